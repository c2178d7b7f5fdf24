"""Processes whose machine has a wrong clock."""
