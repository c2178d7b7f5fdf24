"""Tests of app.partners.esplora."""
