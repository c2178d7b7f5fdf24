"""What credits are sold for on a simulated day: the price, and how bitcoin is paid."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from app.orders.pricing import BitcoinTerms, Terms
from app.orders.rules.rails import Rail
from app.orders.rules.states import OrderStatus
from app.orders.wallet.wallet import Wallet
from app.simulation.plan import Plan

BTC_DEST_ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
CREDIT_PRICE_BTC: Final = Decimal("0.0005")
# The account of BIP 84, "Test vectors": nobody's wallet.
WALLET: Final = Wallet.from_text(
    "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mG"
    "DtKsAYz2oz2AGutZYs"
)
_MOST_CREDITS: Final = 40_000
_CREATE_DEADLINE: Final = timedelta(hours=1)
# What credits cost when an order was placed, and what late money buys today, differ.
_EARLIER_PRICES: Final = (Decimal("0.0004"), CREDIT_PRICE_BTC, Decimal("0.0006"))
_GRANTED_WHEN_PAID_SHARE: Final = 0.2


def sold_today(plan: Plan) -> Terms:
    """Return what credits cost at the end of a day, and the terms of bitcoin that its seed draws."""
    draw = plan.source("terms").choice
    return Terms(
        credit_price_btc=CREDIT_PRICE_BTC,
        max_credits_per_order=_MOST_CREDITS,
        btc_dest_address=BTC_DEST_ADDRESS,
        granting_status=OrderStatus.BTC_SENT,
        create_deadline=_CREATE_DEADLINE,
        bitcoin=BitcoinTerms(
            wallet=WALLET,
            confirmations=draw((1, 2, 2, 3)),
            unconfirmed_up_to_btc=draw((Decimal(0), Decimal("0.002"))),
            one_confirmation_up_to_btc=draw((Decimal(0), Decimal("0.01"))),
            payment_window=timedelta(seconds=plan.payment_window_seconds),
            late_grace=timedelta(seconds=plan.payment_window_seconds),
            excess_to_credits=draw((True, False)),
        ),
    )


def offered(today: Terms, rail: Rail, source: random.Random) -> Terms:
    """Return what one order is sold for."""
    if rail is Rail.BITCOIN:
        return replace(today, credit_price_btc=source.choice(_EARLIER_PRICES))
    paid_is_enough = source.random() < _GRANTED_WHEN_PAID_SHARE
    granting = OrderStatus.PAID if paid_is_enough else OrderStatus.BTC_SENT
    return replace(today, granting_status=granting)
