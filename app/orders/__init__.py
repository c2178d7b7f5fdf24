"""Orders: placing them, following their payment on either rail, and granting their credits once."""
