"""What needs neither database nor network: words, rules and arithmetic."""
