"""Clients of the services that Assay calls: AEON.to, Esplora servers and risk vendors."""
