"""The page on which the buyer of an order pays: its links, what it says, and how it is drawn."""
