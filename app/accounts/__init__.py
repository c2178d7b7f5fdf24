"""Accounts of buyers: users, sessions, access codes, API keys, and who is calling."""
