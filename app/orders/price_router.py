"""What orders may be, and what they cost now."""

from fastapi import APIRouter

from app.orders import rail_offers
from app.orders.errors import UpstreamUnknown
from app.orders.price_schemas import (
    CheckPriceRequest,
    OrderParametersResponse,
    PriceResponse,
    RailParameters,
    RailPrice,
)
from app.orders.pricing import Terms
from app.orders.rail_offers import RailOffer
from app.orders.route import OrderRoute
from app.orders.rules.rails import Rail
from app.web import idempotency
from app.web.dependencies import CallerDep, ReadConnection, ResourcesDep
from app.web.errors import responses

router = APIRouter(
    prefix="/api",
    tags=["orders"],
    route_class=OrderRoute,
    responses=responses(400, 403, 429, 500, 503),
)


@router.get(
    "/order_parameters",
    summary="See what an order may be",
    response_description="Limits and price, in credits and in coin",
)
async def order_parameters(
    _caller: CallerDep, connection: ReadConnection, resources: ResourcesDep
) -> OrderParametersResponse:
    """Read the limits and the price of each rail; AEON.to's are at most 5 minutes old."""
    terms = resources.terms
    offers = await rail_offers.known_offers(connection, terms, resources.clock.now())
    if not offers:
        raise UpstreamUnknown
    first = offers[0]
    return OrderParametersResponse(
        payment_coin=first.ticker,
        payment_network=first.ticker,
        min_number_of_credits=first.least,
        max_number_of_credits=first.most,
        credit_price_btc=terms.credit_price_btc,
        credit_price=first.price(1),
        lower_limit_btc=first.lower_limit_btc,
        upper_limit_btc=first.upper_limit_btc,
        as_of=first.as_of,
        rails=[_rail_parameters(offer, terms) for offer in offers],
    )


def _rail_parameters(offer: RailOffer, terms: Terms) -> RailParameters:
    bitcoin = terms.bitcoin if offer.rail is Rail.BITCOIN else None
    return RailParameters(
        rail=offer.rail,
        payment_coin=offer.ticker,
        payment_network=offer.ticker,
        min_number_of_credits=offer.least,
        max_number_of_credits=offer.most,
        credit_price=offer.price(1),
        lower_limit_btc=offer.lower_limit_btc,
        upper_limit_btc=offer.upper_limit_btc,
        payment_window_seconds=int(bitcoin.payment_window.total_seconds()) if bitcoin else None,
        confirmations=bitcoin.confirmations if bitcoin else None,
        as_of=offer.as_of,
    )


@router.post(
    "/check_price",
    summary="See what credits cost now",
    response_description="The price",
    dependencies=[idempotency.NO_KEY_FOR_READS],
    responses=responses(408, 413, 415) | idempotency.refused(),
)
async def check_price(
    body: CheckPriceRequest, _caller: CallerDep, connection: ReadConnection, resources: ResourcesDep
) -> PriceResponse:
    """Compute the price in a coin, or in each coin that is sold for and whose price is known."""
    terms = resources.terms
    asked = rail_offers.rails_asked(body.payment_coin, body.payment_network, terms)
    number, now = body.number_of_credits, resources.clock.now()
    known = await rail_offers.known_offers(connection, terms, now)
    offers = [offer for offer in known if offer.rail in asked]
    if not offers:
        if number > terms.max_credits_per_order:
            raise rail_offers.outside(1, terms.max_credits_per_order)
        raise UpstreamUnknown
    allowed = [offer for offer in offers if offer.allows(number)]
    if not allowed:
        raise rail_offers.outside(
            min(offer.least for offer in offers), max(offer.most for offer in offers)
        )
    first = allowed[0]
    return PriceResponse(
        number_of_credits=number,
        btc_amount=number * terms.credit_price_btc,
        payment_coin=first.ticker,
        payment_network=first.ticker,
        amount_total=first.price(number),
        as_of=first.as_of,
        prices=[
            RailPrice(
                rail=offer.rail,
                payment_coin=offer.ticker,
                payment_network=offer.ticker,
                amount_total=offer.price(number),
                as_of=offer.as_of,
            )
            for offer in allowed
        ],
    )
