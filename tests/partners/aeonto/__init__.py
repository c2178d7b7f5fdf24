"""Tests of the AEON.to client."""
