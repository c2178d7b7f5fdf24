"""The route of the endpoints that take a number of credits to buy: it says how many that may be."""

from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from typing_extensions import override

from app.orders import rail_offers
from app.web.dependencies import get_resources
from app.web.fields import OUT_OF_RANGE
from app.web.request_body import StrictRoute


class OrderRoute(StrictRoute):
    """A route that names the range of credits of the coin that the body names, or of all coins.

    The type of the parameter cannot: the range depends on the settings and on AEON.to's limits.
    """

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def name_range(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                errors = error.errors()
                if not errors or errors[0]["type"] != OUT_OF_RANGE:
                    raise
                await _refuse(request, error.body)

        return name_range


async def _refuse(request: Request, body: object) -> NoReturn:
    resources = await get_resources(request)
    coin = body.get("payment_coin") if isinstance(body, dict) else None
    rail = rail_offers.coin_rail(coin, resources.terms) if isinstance(coin, str) else None
    async with resources.database.reading() as connection:
        raise rail_offers.outside(
            *await rail_offers.known_range(connection, rail, resources.terms, resources.clock.now())
        )
