"""Webhooks: telling the events of an account to URLs that it names, signed, until they are taken."""
