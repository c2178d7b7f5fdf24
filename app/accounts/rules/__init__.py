"""The rules of accounts: expiry and throttles, with neither database nor network."""
