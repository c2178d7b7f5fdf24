"""A leak at night: what an operator's commands end, at two running servers, at the next request."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from app.accounts import users
from app.runtime.db.engine import Database
from tests.api import problems
from tests.api.asking import ask, open_session, refusal
from tests.api.guessing import log_in
from tests.support.application import Application, open_application
from tests.support.bitcoin_orders import BitcoinOrder, output
from tests.support.clock import HandClock
from tests.support.commands import Assay, commands_on, printed
from tests.support.orders import balance_of
from tests.support.people import PASSWORD, Person, make_access_code, make_key, make_user

FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def assay(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Assay]:
    """Run a command on the servers' database."""
    with commands_on(database_url, monkeypatch) as run:
        yield run


@pytest.fixture
async def servers(committed_database: Database) -> AsyncIterator[list[Application]]:
    """Two servers on one database."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(open_application(committed_database)) for _ in range(2)
        ]


async def let_in(servers: list[Application], headers: dict[str, str]) -> bool:
    """Say whether credentials are good, which is the same at each server."""
    answers = [
        await server.http.get("/api/check_self_status", headers=headers) for server in servers
    ]
    for answer in answers:
        if answer.status_code != 200:
            refused = problems.INVALID_API_KEY if "X-API-KEY" in headers else problems.LOG_IN
            assert refusal(answer) == refused
    [good] = {answer.status_code == 200 for answer in answers}
    return good


def prefix_of(person: Person) -> str:
    return person.api_key.split("_")[1]


async def test_a_disabled_user_is_refused_everywhere_and_loses_no_money(
    assay: Assay, servers: list[Application], committed_database: Database
) -> None:
    clock = HandClock(servers[0].clock.now())
    user = await make_user(committed_database, clock.now(), credits_given=3)
    email = str(user.email)
    code = await make_access_code(committed_database, user, clock.now(), credits_given=2)
    session = await open_session(committed_database, user, clock.now(), expires_at=FAR)
    order = await BitcoinOrder.place(committed_database, clock, user)
    [before] = await printed(assay, "user", "list")
    assert (before["email"], before["status"]) == (email, "active")
    assert (before["api_keys"], before["sessions"], before["credits_available"]) == (1, 1, 3)

    disabled = await printed(assay, "user", "disable", email)
    again = await printed(assay, "user", "disable", email)

    assert disabled == {"id": user.account_id, "status": "disabled", "sessions_ended": 1}
    assert again == {**disabled, "sessions_ended": 0}
    assert not await let_in(servers, user.headers)
    assert not await let_in(servers, session)
    assert refusal(await log_in(servers[1], email, PASSWORD)) == problems.WRONG_PASSWORD
    assert await let_in(servers, code.headers)
    await order.shown(output())
    [listed] = await printed(assay, "user", "list")
    assert (listed["status"], listed["sessions"], listed["credits_available"]) == (
        "disabled",
        0,
        13,
    )

    assert await printed(assay, "user", "enable", email) == {
        "id": user.account_id,
        "status": "active",
    }
    assert await let_in(servers, user.headers)
    assert not await let_in(servers, session)
    assert (await log_in(servers[1], email, PASSWORD)).status_code == 200
    assert (await printed(assay, "audit"))["breaches"] == []


async def test_a_login_that_is_under_way_leaves_no_session_to_a_disabled_user(
    assay: Assay,
    servers: list[Application],
    committed_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = await make_user(committed_database, servers[0].clock.now())
    verify = users._verified

    async def verify_then_disable(*arguments: Any) -> Any:  # noqa: ANN401
        verified = await verify(*arguments)
        await printed(assay, "user", "disable", str(user.email))
        return verified

    monkeypatch.setattr(users, "_verified", verify_then_disable)
    answer = await log_in(servers[0], str(user.email), PASSWORD)

    assert refusal(answer) == problems.WRONG_PASSWORD
    [listed] = await printed(assay, "user", "list")
    assert listed["sessions"] == 0


async def test_all_keys_of_an_account_are_found_and_revoked_with_what_they_made(
    assay: Assay, servers: list[Application], committed_database: Database
) -> None:
    now = servers[0].clock.now()
    user, stranger = [await make_user(committed_database, now) for _ in range(2)]
    code = await make_access_code(committed_database, user, now)
    second = {"X-API-KEY": await make_key(committed_database, user.account_id, now)}
    answer = await ask(servers[0], "api_keys", {"access_code": code.access_code}, user)
    minted = {"X-API-KEY": answer.json()["api_key"]}

    listed = await printed(assay, "api-key", "list", "--user", str(user.email))
    assert len(listed) == 4
    assert {key["revoked_at"] for key in listed} == {None}
    [of_key] = [key for key in listed if key["made_by"]]
    assert of_key == {
        "prefix": answer.json()["prefix"],
        "name": None,
        "scopes": None,
        "read_only": False,
        "ip_allow_list": None,
        "last_used_at": None,
        "user": None,
        "access_code": code.access_code,
        "made_by": prefix_of(user),
        "created_at": answer.json()["created_at"],
        "expires_at": None,
        "revoked_at": None,
    }
    for secret in (user.api_key, code.api_key, answer.json()["api_key"]):
        assert secret.split("_")[2] not in str(listed)

    revoked = await printed(assay, "api-key", "revoke", "--all-of", str(user.email))

    mine = {prefix_of(user), second["X-API-KEY"].split("_")[1], answer.json()["prefix"]}
    assert {key["prefix"] for key in revoked} == mine
    for headers in (user.headers, second, minted):
        assert not await let_in(servers, headers)
    for headers in (code.headers, stranger.headers):
        assert await let_in(servers, headers)
    assert await printed(assay, "api-key", "revoke", "--all-of", str(user.email)) == []

    of_code = await printed(assay, "api-key", "revoke", "--all-of", str(code.access_code))
    assert [key["prefix"] for key in of_code] == [prefix_of(code)]
    assert not await let_in(servers, code.headers)
    [left] = await printed(assay, "api-key", "list", "--user", str(stranger.email))
    assert left["user"] == stranger.email


async def test_children_are_kept_if_the_operator_wishes(
    assay: Assay, servers: list[Application], committed_database: Database
) -> None:
    user = await make_user(committed_database, servers[0].clock.now())
    answer = await ask(servers[0], "api_keys", {}, user)
    minted = {"X-API-KEY": answer.json()["api_key"]}

    await printed(assay, "api-key", "revoke", prefix_of(user), "--keep-children")
    assert not await let_in(servers, user.headers)
    assert await let_in(servers, minted)

    await printed(assay, "api-key", "revoke", prefix_of(user))
    assert not await let_in(servers, minted)


async def test_a_code_is_found_and_deactivated(
    assay: Assay, servers: list[Application], committed_database: Database
) -> None:
    now = servers[0].clock.now()
    user, other = [await make_user(committed_database, now) for _ in range(2)]
    code = await make_access_code(committed_database, user, now, credits_given=2)
    kept = await make_access_code(committed_database, other, now, credits_given=1)

    assert len(await printed(assay, "access-code", "list")) == 2
    [listed] = await printed(assay, "access-code", "list", "--issuer", str(user.email))
    done = await printed(assay, "access-code", "deactivate", str(code.access_code))
    again = await printed(assay, "access-code", "deactivate", str(code.access_code))
    option = "--keep-credits"
    left = await printed(assay, "access-code", "deactivate", str(kept.access_code), option)

    assert (listed["access_code"], listed["issuer"]) == (code.access_code, user.email)
    assert (listed["status"], listed["credits_available"]) == ("active", 2)
    inactive = {"access_code": code.access_code, "status": "inactive"}
    assert done == {**inactive, "credits_returned": 2}
    assert again == {**inactive, "credits_returned": 0}
    assert left == {**done, "access_code": kept.access_code, "credits_returned": 0}
    assert await balance_of(committed_database, user.account_id) == 2
    assert await balance_of(committed_database, kept.account_id) == 1
    question = {"access_code": code.access_code}
    for server in servers:
        status = await ask(server, "check_access_code_status", question, code)
        assert status.json()["status"] == "Inactive"
        assert refusal(await ask(server, "api_keys", {}, code)) == problems.ACCESS_CODE_NOT_FOUND


async def test_sessions_of_a_user_or_of_all_end_and_its_keys_go_on(
    assay: Assay, servers: list[Application], committed_database: Database
) -> None:
    now = servers[0].clock.now()
    people = [await make_user(committed_database, now) for _ in range(3)]
    sessions = [await open_session(committed_database, user, now) for user in people]

    ended = await printed(assay, "user", "end-sessions", str(people[0].email))
    assert ended == {"sessions_ended": 1}
    assert [await let_in(servers, one) for one in sessions] == [False, True, True]
    assert await printed(assay, "user", "end-sessions", "--all") == {"sessions_ended": 2}
    assert [await let_in(servers, one) for one in sessions] == [False, False, False]
    assert await let_in(servers, people[0].headers)


async def test_what_is_wrong_is_refused_with_the_status_of_every_command(
    assay: Assay, committed_database: Database
) -> None:
    await make_user(committed_database, datetime.now(UTC))
    wrong: list[tuple[int, str, str]] = [
        (1, "user disable nobody@example.com", "no user has this e-mail"),
        (1, "user enable nobody@example.com", "no user has this e-mail"),
        (1, "user end-sessions nobody@example.com", "no user has this e-mail"),
        (1, "api-key revoke --all-of nobody@example.com", "no user has this e-mail"),
        (1, "api-key revoke --all-of 0000000000000000", "access_code not found"),
        (1, "access-code deactivate 0000000000000000", "access_code not found"),
        (1, "access-code list --issuer nobody@example.com", "no user has this e-mail"),
        (1, "api-key list --user nobody@example.com", "no user has this e-mail"),
        (2, "api-key revoke", "give exactly one of PREFIX, --all-of"),
        (2, "api-key revoke 0123456789 --all-of a@b.example", "give exactly one of PREFIX"),
        (2, "api-key list --unbound --user a@b.example", "give at most one of"),
        (2, "user end-sessions", "give exactly one of EMAIL, --all"),
        (2, "user end-sessions a@b.example --all", "give exactly one of EMAIL, --all"),
        (2, "user disable", "Missing argument 'EMAIL'"),
        (2, "user list --limit 0", "--limit"),
    ]
    for status, command, reason in wrong:
        result = await assay(*command.split())
        assert (result.exit_code, result.stdout) == (status, ""), command
        assert reason in result.stderr


async def test_a_list_that_is_cut_off_says_so(assay: Assay, committed_database: Database) -> None:
    now = datetime.now(UTC)
    people = [await make_user(committed_database, now) for _ in range(2)]
    await make_access_code(committed_database, people[0], now)
    for command in (["user", "list"], ["api-key", "list"], ["access-code", "list"]):
        whole: Any = await assay(*command, "--json")
        assert whole.stderr == ""
        one = await assay(*command, "--limit", "1", "--json")
        assert one.exit_code == 0
        cut = "" if command[0] == "access-code" else "only the newest 1 are shown"
        assert cut in one.stderr
    unbound = await printed(assay, "api-key", "list", "--unbound")
    assert unbound == []
