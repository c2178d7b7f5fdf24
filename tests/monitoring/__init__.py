"""Rules and dashboard: as `promtool` tests them, and as `./run prometheus` drives them."""
