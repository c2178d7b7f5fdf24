"""The merchant's own bitcoin: the addresses of its wallet, and how a payment is asked for."""
