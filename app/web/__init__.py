"""What all routers share: the reader of bodies, the shape of an error, the documentation."""
