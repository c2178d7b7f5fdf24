"""Delivering webhooks: every event, signed, again until it is taken, and nobody waits for another."""

import json
from datetime import datetime, timedelta

from tests.webhooks.conftest import WebhookHarness
from tests.webhooks.receiver import status


async def test_events_are_delivered_signed_and_equal_to_the_stream(harness: WebhookHarness) -> None:
    endpoint = await harness.make_endpoint()
    async with harness.carrying():
        await harness.happen(3)
        await harness.receiver.until(3)
        await harness.until_settled(endpoint["id"], 3)
    sent = [json.loads(received.body) for received in harness.receiver.requests]
    first = endpoint["last_sequence"] + 1
    assert sorted(event["sequence"] for event in sent) == [first, first + 1, first + 2]
    for event in sent:
        assert event["type"] == "credits.moved"
        assert event["at"] == "2026-01-11T12:46:03Z"
        assert event["previous_status"] is None
        assert event["data"]["credits"] == 1
    assert len({received.headers["webhook-id"] for received in harness.receiver.requests}) == 3
    facts = await harness.ask("GET", f"/{endpoint['id']}")
    assert facts["last_sequence"] == first + 2


async def test_failure_is_tried_again_under_the_same_id_until_it_is_taken(
    harness: WebhookHarness,
) -> None:
    endpoint = await harness.make_endpoint()
    harness.receiver.answer = status(500, body="out of order")
    async with harness.carrying():
        await harness.happen()
        failed = await harness.until_attempted(endpoint["id"], 1)
        assert (failed["status"], failed["answer_status"]) == ("pending", 500)
        assert failed["error"] == "The answer has the status 500"
        pause = datetime.fromisoformat(failed["next_attempt_at"]) - harness.clock.now()
        assert timedelta(seconds=5) <= pause <= timedelta(seconds=5.5)
        facts = await harness.ask("GET", f"/{endpoint['id']}")
        assert facts["failing_since"] == "2026-01-11T12:46:03Z"
        harness.clock.advance(30)
        await harness.until_attempted(endpoint["id"], 2)
        harness.receiver.answer = status(200, body="thanks")
        harness.clock.advance(360)
        await harness.until_settled(endpoint["id"], 1)
    assert len(harness.receiver.requests) == 3
    assert len({received.headers["webhook-id"] for received in harness.receiver.requests}) == 1
    assert len({received.body for received in harness.receiver.requests}) == 1
    facts = await harness.ask("GET", f"/{endpoint['id']}")
    assert facts["failing_since"] is None
    shown = await harness.ask("GET", f"/{endpoint['id']}/deliveries/{failed['id']}")
    assert (shown["attempts"], shown["answer_body"], shown["error"]) == (3, "thanks", None)
    assert shown["request_body"].encode() == harness.receiver.requests[0].body


async def test_redelivery_makes_the_deliveries_of_a_range_of_the_types_of_the_endpoint(
    harness: WebhookHarness,
) -> None:
    before = (await harness.make_endpoint())["last_sequence"]
    await harness.happen(4)
    every = await harness.make_endpoint(event_types=["credits.moved"])
    others = await harness.make_endpoint(event_types=["order.updated"])
    for endpoint, body, count in (
        (every, {"from_sequence": before + 2, "to_sequence": before + 3}, 2),
        (every, {"from_sequence": before + 1}, 4),
        (every, {"since": "2026-01-11T12:46:03Z"}, 4),
        (every, {"since": "2026-01-11T12:46:04Z"}, 0),
        (others, {"from_sequence": before + 1}, 0),
    ):
        answer = await harness.ask("POST", f"/{endpoint['id']}/redeliver", body)
        assert answer == {"deliveries": count, "more_from": None}, body
    items = await harness.deliveries(every["id"])
    assert sorted(item["sequence"] for item in items) == list(range(before + 1, before + 5))
    assert {item["status"] for item in items} == {"pending"}
