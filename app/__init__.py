"""Assay: prepaid credits for cryptocurrency, spent on risk assessments."""
