"""An order as the tests of the API place it, and what is said of its parameters."""

from typing import Any, Final

from dirty_equals import IsStr

from tests.api import problems
from tests.api.asking import read
from tests.support.application import Application

ORDER: Final = {
    "number_of_credits": 10,
    "payment_coin": "Aeon",
    "payment_network": "AEON",
    "order_is_for_self": True,
}
ORDER_ID: Final = IsStr(regex=r"ord_[0-9A-Za-z]{25}")
CREDITS: Final = problems.must_be("number_of_credits", "a whole number from 1 to 10000")
SHORT: Final = "a string of at most 64 characters without control characters"
LONG: Final = "a string of at most 256 characters without control characters"
COIN: Final = problems.must_be("payment_coin", "one of: Aeon (AEON) on the network AEON")
NETWORK: Final = problems.must_be("payment_network", "AEON for the coin Aeon")


def without(name: str) -> dict[str, Any]:
    """Return the order without one of its parameters."""
    return {key: value for key, value in ORDER.items() if key != name}


async def orders_made(application: Application) -> int:
    """Count the orders."""
    [(count,)] = await read(application, "SELECT count(*) FROM orders")
    assert isinstance(count, int)
    return count
