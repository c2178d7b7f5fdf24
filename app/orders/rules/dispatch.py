"""Which rule answers an observation of an order: one module per rail, behind one signature."""

from datetime import datetime

from app.orders.rules import failures, own_moves, transition_aeonto, transition_bitcoin
from app.orders.rules.facts import (
    AeontoObservation,
    AeontoOrder,
    BitcoinObservation,
    BitcoinOrder,
    Observation,
    OrderFacts,
    RefusedForGood,
    RequestFailed,
)
from app.orders.rules.transition import Transition


def transition(order: OrderFacts, observation: Observation, now: datetime) -> Transition:
    """Say what an observation does to an order. Pure: it reads no clock and keeps nothing.

    Raises TypeError for an observation of another rail than the order's.
    """
    match order, observation:
        case AeontoOrder(), AeontoObservation():
            return transition_aeonto.transition(order, observation, now)
        case BitcoinOrder(), BitcoinObservation():
            return transition_bitcoin.transition(order, observation, now)
        case _, RequestFailed():
            return failures.transition(order, observation, now)
        case _, RefusedForGood():
            return own_moves.refusal(order)
        case _:
            what = type(observation).__name__
            raise TypeError(f"{what} is no observation of the rail {order.rail}")
