"""The way to AEON.to and back: delays that jump, and everything that goes wrong on it."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.partners.failures import AnswerLost, Unreachable
from app.partners.http import HttpReply, OnHead, PartnerRequest
from app.simulation.spoiling import lie, malform, refuse
from app.simulation.upstream import Reply, Upstream, failure

_SHORTEST_SECONDS: Final = 0.02
_USUALLY_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 0.5
_JUMPING_SHARE: Final = 0.1
_BEYOND_DEADLINE_SECONDS: Final = (11.0, 90.0)
_REMEMBERED: Final = 50


class Fault(StrEnum):
    """What may go wrong with one request."""

    UNREACHABLE = "unreachable"  # nothing is sent
    SWALLOWED = "swallowed"  # it never arrives, and nobody says so
    LOST = "lost"  # its work is done, and the answer never comes
    CUT = "cut"  # its work is done, and the answer breaks off
    SLOW = "slow"  # its work is done, and the answer comes after the deadline
    REPEATED = "repeated"  # an earlier answer of the endpoint comes again
    MALFORMED = "malformed"
    REFUSED = "refused"  # an error number, or a bare 403, 500 or 503, and no work done
    LIE = "lie"


_KINDS: Final = tuple(Fault)
# During an outage one of these meets every request.
_OUTAGES: Final = (Fault.UNREACHABLE, Fault.SWALLOWED, Fault.REFUSED, Fault.MALFORMED)


@dataclass(frozen=True)
class Outage:
    """A span of time, in seconds since the beginning, in which nothing works, in one way."""

    begin: float
    end: float
    fault: Fault


def draw_outages(source: random.Random, count: int, last_seconds: float) -> list[Outage]:
    """Draw so many outages of some minutes before a moment."""
    begins = [source.uniform(0, last_seconds) for _ in range(count)]
    return [
        Outage(begin, min(begin + source.uniform(60, 1200), last_seconds), source.choice(_OUTAGES))
        for begin in begins
    ]


class Network:
    """A `Transport` to the model. Faults come by chance until `until`, in outages always."""

    def __init__(
        self,
        upstream: Upstream,
        source: random.Random,
        *,
        fault_rate: float,
        outages: Sequence[Outage],
        until: float,
        notice: Callable[[str], None],
    ) -> None:
        self._upstream = upstream
        self._random = source
        self._fault_rate = fault_rate
        self._outages = outages
        self._until = until
        self._notice = notice
        self._loop = asyncio.get_running_loop()
        self._earlier: dict[str, list[Reply]] = {}
        self.faults: Counter[str] = Counter()
        self.undelivered_creations = 0

    async def exchange(self, request: PartnerRequest, on_head: OnHead) -> HttpReply:
        """Carry a request there and its answer back; both ways go on if nobody waits any more."""
        endpoint = request.endpoint
        content = None if request.body is None else request.body.content
        fault = self._draw_fault(self._loop.time())
        there = self._delay_seconds()
        if fault is not None:
            self.faults[f"{endpoint} {fault}"] += 1
        if fault is Fault.UNREACHABLE:
            await asyncio.sleep(there)
            raise Unreachable(endpoint)
        answered: asyncio.Future[Reply] = self._loop.create_future()
        if fault is not Fault.SWALLOWED:
            self._loop.call_later(there, self._arrive, endpoint, content, fault, answered)
        reply = await answered
        on_head()
        if fault is Fault.CUT:
            raise AnswerLost(endpoint)
        return HttpReply(
            reply.http_status, reply.content_type, "", reply.body, request.max_body_bytes
        )

    def _arrive(
        self,
        endpoint: str,
        content: bytes | None,
        fault: Fault | None,
        answered: "asyncio.Future[Reply]",
    ) -> None:
        now = self._loop.time()
        if fault is Fault.REFUSED:
            reply = (
                refuse(self._random) if self._upstream.admits(endpoint, now) else failure(403, 12)
            )
        else:
            reply = self._upstream.receive(endpoint, content, now)
        self._notice(f"{now:.6f} {endpoint} {fault} {reply.http_status}")
        if endpoint == "order_create" and fault is not None:
            self.undelivered_creations += 1
        if fault is Fault.LOST:
            return
        spoilt = self._spoil(endpoint, fault, reply)
        back = self._delay_seconds()
        if fault is Fault.SLOW:
            back = self._random.uniform(*_BEYOND_DEADLINE_SECONDS)
        self._loop.call_later(back, _deliver, answered, spoilt)

    def _spoil(self, endpoint: str, fault: Fault | None, reply: Reply) -> Reply:
        earlier = self._earlier.setdefault(endpoint, [])
        if fault is Fault.REPEATED and earlier:
            return self._random.choice(earlier)
        earlier.append(reply)
        if len(earlier) > _REMEMBERED:
            del earlier[0]
        if fault is Fault.MALFORMED:
            return malform(reply, self._random)
        return lie(reply, self._random) if fault is Fault.LIE else reply

    def _draw_fault(self, now: float) -> Fault | None:
        if now >= self._until:
            return None
        for outage in self._outages:
            if outage.begin <= now < outage.end:
                return outage.fault
        if self._random.random() < self._fault_rate:
            return self._random.choice(_KINDS)
        return None

    def _delay_seconds(self) -> float:
        jumps = self._random.random() < _JUMPING_SHARE
        return self._random.uniform(
            _SHORTEST_SECONDS, _LONGEST_SECONDS if jumps else _USUALLY_SECONDS
        )


def _deliver(answered: "asyncio.Future[Reply]", reply: Reply) -> None:
    if not answered.done():
        answered.set_result(reply)
