"""HTTP to a service call and back: no business, no SQL."""
