"""What every feature stands on: database, logs, metrics, loops, leases, rate limits, clock, money."""
