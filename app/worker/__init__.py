"""The loops: they decide when; services do the work."""
