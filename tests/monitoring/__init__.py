"""The rules of Prometheus, as `promtool` tests them."""
