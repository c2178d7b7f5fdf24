"""The tables of `runtime`."""

from app.runtime.models.idempotency_keys import IdempotencyKey
from app.runtime.models.loop_beats import LoopBeat

__all__ = [
    "IdempotencyKey",
    "LoopBeat",
]
