"""The loops that follow orders: when to poll, on which rail, and what to leave alone."""
