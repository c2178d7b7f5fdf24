"""Assay behind a real PgBouncer, as `./run pgbouncer` drives it."""
