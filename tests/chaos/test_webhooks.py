"""A receiver of webhooks fails a third of the time while replicas are killed, and every event arrives."""

from tests.chaos.webhooks import receiver_fails

SEED = 20


async def test_every_event_arrives_under_one_id_whatever_fails() -> None:
    verdict = await receiver_fails(SEED, orders=6, kills=2, replicas=2, per_second=4)
    print(verdict)  # noqa: T201  the seed replays it
    assert verdict.is_clean
    assert verdict.orders == 6
    assert int(verdict.measured["events_of_buyer"]) > 25
