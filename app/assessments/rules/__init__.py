"""The rules of answers: words, summaries and receipts, with neither database nor network."""
