"""What a seed decides of a simulated day, before it begins."""

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.simulation.life import Dangers

_HOUR: Final = 3600.0
_KINDS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One day: times in seconds."""

    seed: int
    orders: int
    hours: float
    replicas: int
    rate_scale: Decimal
    arrivals_within: float
    expiry_seconds: float
    payment_window_seconds: float
    fault_rate: float
    outages: int
    chain_fault_rate: float
    chain_spans: int  # in which one of its servers is behind or away
    dangers: Dangers
    between_crashes: float
    bitcoin_share: float = 1 / 3
    between_watches: float = 20.0  # how often a buyer looks whether there is an address

    @property
    def seconds(self) -> float:
        """How long faults and buyers go on."""
        return self.hours * _HOUR

    def source(self, name: str) -> random.Random:
        """Return a source of randomness of its own, for one part of the day."""
        return random.Random(f"{self.seed} {name}")  # noqa: S311  a day replays from its seed


def draw_plan(seed: int, *, orders: int, hours: float, rate_scale: Decimal | None = None) -> Plan:
    """Draw the day of a seed: one of four is a steady day, a rush, an overload, or has outages."""
    source = random.Random(f"{seed} plan")  # noqa: S311
    kind = seed % _KINDS
    scale = {2: source.choice(("0.03", "0.05", "0.1"))}.get(kind, source.choice(("1", "0.5")))
    # AEON.to takes 4 orders a minute; a rush is all that it takes, and a little more.
    rush = orders * 15.0 / float(scale)
    within = rush * 0.8 if kind in (1, 3) else hours * _HOUR * 0.7
    return Plan(
        seed=seed,
        orders=orders,
        hours=hours,
        replicas=source.choice((1, 1, 2, 2, 3, 4)),
        rate_scale=rate_scale or Decimal(scale),
        arrivals_within=min(within, hours * _HOUR * 0.7),
        expiry_seconds=source.choice((300.0, 900.0)) if kind == 1 else 300.0,
        payment_window_seconds=source.choice((600.0, 900.0, 1200.0)),
        fault_rate=source.choice((0.0, 0.02, 0.05, 0.15)),
        outages=source.randint(2, 5) if kind == _KINDS - 1 else source.choice((0, 0, 1)),
        chain_fault_rate=source.choice((0.0, 0.01, 0.03, 0.1)),
        chain_spans=source.randint(2, 12),
        dangers=Dangers(
            lost_before=source.choice((0.0, 0.002, 0.01)),
            lost_after=source.choice((0.0, 0.002, 0.01)),
        ),
        between_crashes=source.uniform(0.2, 2.0) * _HOUR,
    )
