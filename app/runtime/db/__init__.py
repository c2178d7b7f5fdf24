"""The database: base of the tables, engine, migrations, the embedded PostgreSQL."""
