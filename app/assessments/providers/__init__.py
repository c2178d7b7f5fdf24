"""Risk providers behind one protocol: they answer a question and know nothing of the database."""
