"""No limit is passed by processes that are stopped, continued and killed, on a network that jumps."""

from tests.chaos.pacing import sending

SEED = 3


async def test_three_processes_that_are_stopped_and_killed_never_pass_a_limit_together() -> None:
    async with sending(3, SEED) as senders:
        await senders.until_asking()
        did = await senders.suffer(8, longest_stop_seconds=2.5)
        await senders.until_asking()
        over_limit, requests = await senders.over_limit(), await senders.requests()
    print(f"{requests} requests; {did}")  # noqa: T201
    assert over_limit == 0
