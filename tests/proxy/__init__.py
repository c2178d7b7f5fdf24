"""Assay behind a real nginx, as `./run nginx` drives it."""
