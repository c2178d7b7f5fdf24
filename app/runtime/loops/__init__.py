"""Loops that run until they are told to stop, and their heartbeats."""
