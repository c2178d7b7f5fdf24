"""Tests of app.esplora."""
