"""The business: plain async functions over sessions; each module alone writes its tables."""
