"""The peer: the same two calls as a plain Django REST Framework service, in its own environment."""
