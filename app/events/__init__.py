"""The stream of events of each account: what happened to its things, numbered without gaps."""
