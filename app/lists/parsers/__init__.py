"""Readers of the file formats in which lists are published."""
