"""The rules of orders: states, moves, prices and polls, with neither database nor network."""
