"""What all routers share: the front door, the shape of an error, the documentation."""
