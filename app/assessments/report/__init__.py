"""The report of an assessment as an HTML page."""
