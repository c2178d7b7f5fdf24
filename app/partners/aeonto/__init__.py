"""The client of AEON.to: their HTTP API at one end, our words at the other."""
