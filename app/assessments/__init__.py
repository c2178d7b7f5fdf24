"""Assessments: questions to risk providers, their answers, receipts and reports."""
