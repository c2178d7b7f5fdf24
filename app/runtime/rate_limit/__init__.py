"""The rate limits of partners: one rule, kept in PostgreSQL or in one process."""
