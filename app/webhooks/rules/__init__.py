"""What webhooks are decided by: no database, no network."""
