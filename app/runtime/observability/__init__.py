"""Signs of life: logs, metrics, request ids."""
