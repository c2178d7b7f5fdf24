"""Delivering webhooks: every event, signed, again until it is taken, and nobody waits for another."""

import base64
import hashlib
import hmac
import json
from collections import Counter
from datetime import datetime, timedelta

import pytest

from app.webhooks import deliveries, sending
from app.webhooks.fan_out import fan_out
from tests.webhooks.conftest import WebhookHarness
from tests.webhooks.receiver import Received, receiving, status, until


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


async def test_endpoint_is_told_of_its_types_alone_and_passes_over_the_others(
    harness: WebhookHarness,
) -> None:
    others = await harness.make_endpoint(event_types=["order.updated", "key.revoked"])
    every = await harness.make_endpoint()
    async with harness.carrying():
        await harness.happen(2)
        await harness.until_settled(every["id"], 2)

        async def passed() -> bool:
            shown = await harness.ask("GET", f"/{others['id']}")
            return bool(shown["last_sequence"] == others["last_sequence"] + 2)

        await until(passed)
    assert await harness.deliveries(others["id"]) == []
    assert len(harness.receiver.requests) == 2


async def test_two_processes_send_each_event_once(harness: WebhookHarness) -> None:
    endpoint = await harness.make_endpoint()
    await harness.happen(12)
    async with harness.carrying(workers=2):
        await harness.until_settled(endpoint["id"], 12)
    assert len(harness.receiver.requests) == 12
    assert len({received.headers["webhook-id"] for received in harness.receiver.requests}) == 12


async def test_410_disables_the_endpoint_and_enabling_goes_on_without_a_gap(
    harness: WebhookHarness,
) -> None:
    endpoint = await harness.make_endpoint()
    path = f"/{endpoint['id']}"
    harness.receiver.answer = status(410)
    async with harness.carrying():
        await harness.happen()
        await harness.until_settled(endpoint["id"], 1, "failed")
        facts = await harness.ask("GET", path)
        assert (facts["status"], facts["disabled_reason"]) == ("disabled", "gone")
        await harness.happen(3)
        harness.receiver.answer = status(200)
        await harness.ask("PATCH", path, {"enabled": True})
        await harness.until_settled(endpoint["id"], 3)
    assert len(harness.receiver.requests) == 4
    failed = (await harness.deliveries(endpoint["id"], status="failed"))[0]
    assert (failed["attempts"], failed["next_attempt_at"]) == (1, None)


async def test_endpoint_that_fails_for_three_days_is_disabled_and_nothing_pending_is_lost(
    harness: WebhookHarness,
) -> None:
    endpoint = await harness.make_endpoint()
    harness.receiver.answer = status(503)
    async with harness.carrying():
        await harness.happen()
        await harness.until_attempted(endpoint["id"], 1)
        harness.clock.advance(71 * 3600)
        await harness.until_attempted(endpoint["id"], 2)
        await harness.happen()  # begins three days of its own
        await harness.until_attempted(endpoint["id"], 1)
        harness.clock.advance(3600)

        async def is_disabled() -> bool:
            facts = await harness.ask("GET", f"/{endpoint['id']}")
            return bool(facts["disabled_reason"] == "failing")

        await until(is_disabled)
        facts = await harness.ask("GET", f"/{endpoint['id']}")
        assert (facts["status"], facts["disabled_at"]) == ("disabled", "2026-01-14T12:46:03Z")
        harness.receiver.answer = status(200)
        await harness.ask("PATCH", f"/{endpoint['id']}", {"enabled": True})
        await harness.until_settled(endpoint["id"], 0, "pending")
    items = await harness.deliveries(endpoint["id"])
    assert items[0]["status"] == "delivered"


async def test_retry_after_that_asks_for_more_is_kept_to(harness: WebhookHarness) -> None:
    endpoint = await harness.make_endpoint()
    harness.receiver.answer = status(429, "Retry-After: 3600")
    async with harness.carrying():
        await harness.happen()
        failed = await harness.until_attempted(endpoint["id"], 1)
    pause = datetime.fromisoformat(failed["next_attempt_at"]) - harness.clock.now()
    assert timedelta(hours=1) <= pause <= timedelta(hours=1.1)


async def test_both_secrets_sign_for_a_day_after_a_rotation(harness: WebhookHarness) -> None:
    endpoint = await harness.make_endpoint()
    rotated = await harness.ask("POST", f"/{endpoint['id']}/rotate_secret")
    old, new = endpoint["secret"], rotated["secret"]
    async with harness.carrying():
        for count, valid in ((1, (new, old)), (2, (new,))):
            await harness.happen()
            await harness.until_settled(endpoint["id"], count)
            received = harness.receiver.requests[-1]
            signatures = received.headers["webhook-signature"].split(" ")
            assert signatures == [_signature(received, secret) for secret in valid]
            harness.clock.advance(24 * 3600)


def _signature(received: Received, secret: str) -> str:
    """Sign by the words of Standard Webhooks: id, time and body, joined by full stops."""
    at, name = received.headers["webhook-timestamp"], received.headers["webhook-id"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{name}.{at}.".encode() + received.body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


async def test_slow_endpoint_has_8_webhooks_on_their_way_and_delays_no_other(
    harness: WebhookHarness,
) -> None:
    slow = await harness.make_endpoint()
    harness.receiver.stalls = True
    await harness.happen(12)
    async with receiving() as quick:
        other = await harness.ask("POST", "", {"url": quick.url()}, status=201)
        async with harness.carrying(workers=2):
            await harness.receiver.until(8)
            await harness.happen(6)
            await harness.until_settled(other["id"], 6)
            assert len(harness.receiver.requests) == 8
            assert await harness.deliveries(slow["id"], status="delivered") == []
    assert len(quick.requests) == 6


async def test_delivery_whose_job_or_process_was_lost_is_sent_all_the_same(
    harness: WebhookHarness,
) -> None:
    endpoint = await harness.make_endpoint()
    await harness.happen(3)
    async with harness.database.sessions() as session:
        assert await fan_out(session, harness.clock.now())
    await harness.execute("DELETE FROM jobs.procrastinate_jobs")
    await harness.execute(
        "UPDATE webhook_deliveries SET woken_at = clock_timestamp() - interval '2 minutes'"
    )
    # One was being sent by a process that died.
    await harness.execute(
        "UPDATE webhook_deliveries SET woken_at = NULL, attempts = 1,"
        " lease_until = clock_timestamp() - interval '1 second'"
        " WHERE sequence = (SELECT min(sequence) FROM webhook_deliveries)"
    )
    harness.clock.advance(30)
    async with harness.carrying():
        await harness.until_settled(endpoint["id"], 3)
    assert len(harness.receiver.requests) == 3


async def test_crash_in_the_midst_of_making_deliveries_leaves_all_as_it_was(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = await harness.make_endpoint()
    await harness.happen(3)

    async def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("app.webhooks.fan_out.wake_next", crash)
        async with harness.database.sessions() as session:
            with pytest.raises(RuntimeError):
                await fan_out(session, harness.clock.now())
    assert await harness.deliveries(endpoint["id"]) == []
    async with harness.carrying():
        await harness.until_settled(endpoint["id"], 3)
    assert len(harness.receiver.requests) == 3


async def test_answer_that_was_never_written_down_is_asked_for_again_under_the_same_id(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = await harness.make_endpoint()
    save = sending._save

    async def crash_once(*_: object) -> None:
        monkeypatch.setattr(sending, "_save", save)
        raise RuntimeError

    monkeypatch.setattr(sending, "_save", crash_once)
    async with harness.carrying():
        await harness.happen()
        await harness.receiver.until(1)
        await harness.execute("UPDATE webhook_deliveries SET lease_until = NULL")
        harness.clock.advance(30)
        await harness.until_settled(endpoint["id"], 1)
    first, second = harness.receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_test_is_sent_once_also_to_a_disabled_endpoint_and_disables_none(
    harness: WebhookHarness,
) -> None:
    endpoint = await harness.make_endpoint()
    path = f"/{endpoint['id']}"
    harness.receiver.answer = status(410)
    async with harness.carrying():
        await harness.ask("POST", f"{path}/test", status=201)
        await harness.until_settled(endpoint["id"], 1, "failed")
        facts = await harness.ask("GET", path)
        assert (facts["status"], facts["failing_since"]) == ("enabled", None)
        await harness.ask("PATCH", path, {"enabled": False})
        harness.receiver.answer = status(200)
        await harness.ask("POST", f"{path}/test", status=201)
        await harness.until_settled(endpoint["id"], 1)
    assert [json.loads(received.body)["type"] for received in harness.receiver.requests] == [
        "webhook.test",
        "webhook.test",
    ]


async def test_redelivery_sends_again_under_the_same_id(harness: WebhookHarness) -> None:
    endpoint = await harness.make_endpoint()
    path = f"/{endpoint['id']}/redeliver"
    async with harness.carrying():
        await harness.happen(2)
        await harness.until_settled(endpoint["id"], 2)
        ids = [item["id"] for item in await harness.deliveries(endpoint["id"])]
        assert (await harness.ask("POST", path, {"delivery_ids": ids}))["deliveries"] == 2
        await harness.receiver.until(4)
        await harness.until_settled(endpoint["id"], 2)
        again = {"from_sequence": endpoint["last_sequence"] + 2}
        assert (await harness.ask("POST", path, again))["deliveries"] == 1
        await harness.receiver.until(5)
    names = Counter(received.headers["webhook-id"] for received in harness.receiver.requests)
    assert sorted(names.values()) == [2, 3]


async def test_deleted_log_is_made_anew_by_a_redelivery_under_the_same_id(
    harness: WebhookHarness,
) -> None:
    endpoint = await harness.make_endpoint()
    async with harness.carrying():
        await harness.happen()
        await harness.until_settled(endpoint["id"], 1)
        harness.clock.advance(30 * 24 * 3600 + 1)
        async with harness.database.sessions() as session:
            assert not await deliveries.delete_old(session, harness.clock.now())
        assert await harness.deliveries(endpoint["id"]) == []
        body = {"from_sequence": 1}
        await harness.ask("POST", f"/{endpoint['id']}/redeliver", body)
        await harness.receiver.until(3)  # the key of the user, and what happened
    names = Counter(received.headers["webhook-id"] for received in harness.receiver.requests)
    assert sorted(names.values()) == [1, 2]


async def test_delivery_that_is_pending_is_kept_however_old(harness: WebhookHarness) -> None:
    endpoint = await harness.make_endpoint()
    await harness.happen()
    async with harness.database.sessions() as session:
        await fan_out(session, harness.clock.now())
    later = harness.clock.now() + timedelta(days=31)
    await harness.execute("UPDATE webhook_deliveries SET next_attempt_at = :at", at=later)
    async with harness.database.sessions() as session:
        await deliveries.delete_old(session, later)
    assert len(await harness.deliveries(endpoint["id"])) == 1


async def test_secret_that_no_key_opens_is_told_in_the_log(harness: WebhookHarness) -> None:
    endpoint = await harness.make_endpoint()
    await harness.execute(
        "UPDATE webhook_endpoints SET secret = '\\x01' || gen_random_uuid()::text::bytea"
    )
    async with harness.carrying():
        await harness.happen()
        failed = await harness.until_attempted(endpoint["id"], 1)
    assert failed["error"].startswith("Not sent, for it cannot be signed: ASSAY_WEBHOOK_KEY")
    assert harness.receiver.requests == []


async def test_endpoint_that_is_deleted_while_it_is_sent_to_leaves_nothing(
    harness: WebhookHarness,
) -> None:
    endpoint = await harness.make_endpoint()
    harness.receiver.stalls = True
    async with harness.carrying():
        await harness.happen(10)
        await harness.receiver.until(8)
        await harness.ask("DELETE", f"/{endpoint['id']}")
    assert (await harness.ask("GET", ""))["items"] == []
