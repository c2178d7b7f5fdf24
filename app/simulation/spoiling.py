"""Answers that AEON.to must not give: malformed ones, refusals out of season, lies."""

import json
import random
from typing import Any

from app.simulation.upstream import Reply, failure


def refuse(source: random.Random) -> Reply:
    """Return a failure that has nothing to do with the request."""
    return source.choice(
        (
            failure(503, 1),
            failure(503, 7),
            failure(503, 8),
            failure(400, 2),
            failure(400, 5),
            failure(400, 9),
            failure(400, 99),
            failure(403, 12),
            failure(403, 2),
            Reply(403, b"<h1>Forbidden</h1>", "text/html"),
            Reply(500, b'{"detail": "oops"}'),
            Reply(502, b"<h1>Bad Gateway</h1>", "text/html"),
            Reply(503, b""),
        )
    )


def malform(reply: Reply, source: random.Random) -> Reply:
    """Return an answer that is not one of this API."""
    body = reply.body
    return source.choice(
        (
            Reply(200, b"<html>Welcome</html>", "text/html"),
            Reply(200, body[: len(body) // 2]),
            Reply(200, b""),
            Reply(200, b"null"),
            Reply(200, b"[]"),
            Reply(200, b"[" * 5000 + b"]" * 5000),
            Reply(200, body[:-1] + b', "btc_amount": NaN}'),
            Reply(200, body[:-1] + b', "state": "BTC_SENT"}'),
            Reply(200, body + b"\xff\xfe"),
            Reply(200, body.replace(b'"uuid": "', b'"uuid": [1], "was": "')),
            Reply(200, body.replace(b'"state": "', b'"state": 7, "was": "')),
            Reply(200, body.replace(b'"btc_amount": ', b'"btc_amount": true, "was": ')),
            Reply(200, body.replace(b'"btc_amount": ', b'"btc_amount": -1, "was": ')),
            Reply(200, body[:-1] + b', "expires_at": "yesterday"}'),
            Reply(200, body, "text/plain"),
        )
    )


def lie(reply: Reply, source: random.Random) -> Reply:
    """Return an answer about another order, or about another state than the true one.

    Nothing here claims more than is true about exactly the order that was asked for: that would
    be believed, and has to be.
    """
    said = json.loads(reply.body)
    if "state" not in said or "uuid" not in said:
        return reply
    lies: list[dict[str, Any]] = [
        {"state": source.choice(("EXPLODED", "btc_sent", "FAILED", "PAID "))},
        {"state": source.choice(("UNPAID", "TIMED_OUT", "TO_BE_CREATED", "NOT_FOUND"))},
        {"state": "BTC_SENT", "btc_amount": None},
        {"state": "BTC_SENT", "btc_dest_address": ""},
        {"state": "BTC_SENT", "btc_dest_address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"},
        {"state": "PAID", "uuid": "aeonto-nobody"},
        {"state": "BTC_SENT", "btc_amount": _tenfold(said.get("btc_amount"))},
        {"btc_amount": _tenfold(said.get("btc_amount"))},
    ]
    return Reply(reply.http_status, json.dumps({**said, **source.choice(lies)}).encode())


def _tenfold(amount: object) -> str:
    return f"{amount or 1}1"
