"""The rules of lists: entries, categories and their weights, with neither database nor network."""
