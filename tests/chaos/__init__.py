"""Real processes of Assay on a real PostgreSQL, broken on purpose."""
