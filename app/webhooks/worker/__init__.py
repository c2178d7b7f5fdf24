"""Delivering webhooks: a loop that turns events into deliveries, and jobs that send them."""
