"""Credits: balances, entries and the audit log. Only this package writes them."""
