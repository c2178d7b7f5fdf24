"""Everybody and everything that the table of `authorization.py` speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.accounts import access_code_credits, api_keys, users
from app.assessments import service as assessments
from app.assessments.claims import Subject
from app.assessments.context import AssessmentContext
from app.assessments.rules.questions import AssessmentType
from app.ledger.actors import OPERATOR, Actor
from app.orders.place import Purchase
from app.runtime.security import hash_token, new_api_key, new_session_token
from app.webhooks import deliveries, endpoints
from app.webhooks.endpoints import EndpointWish
from tests.api.asking import execute, forge_key, learn_limits, open_session
from tests.api.conftest import ApiFixture
from tests.support.application import Application
from tests.support.buying import buy
from tests.support.people import Person, give_credits, make_access_code, make_key, make_user

ABSENT_CODE: Final = "0000000000000000"
ABSENT_ORDER: Final = "ord_0000000000000000000000000"
ABSENT_ASSESSMENT: Final = "asm_0000000000000000000000000"
ABSENT_PREFIX: Final = "0000000000"
ABSENT_WEBHOOK_ENDPOINT: Final = "whe_0000000000000000000000000"
ABSENT_WEBHOOK_DELIVERY: Final = "whd_0000000000000000000000000"
ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"


@dataclass(frozen=True)
class Things:
    """What belongs to one access code."""

    access_code: str
    order_id: str
    assessment_id: str
    key_prefix: str
    webhook_endpoint_id: str
    webhook_delivery_id: str


ABSENT: Final = Things(
    ABSENT_CODE,
    ABSENT_ORDER,
    ABSENT_ASSESSMENT,
    ABSENT_PREFIX,
    ABSENT_WEBHOOK_ENDPOINT,
    ABSENT_WEBHOOK_DELIVERY,
)


@dataclass(frozen=True)
class World:
    """The town with its things, and what each kind of caller presents."""

    own: Mapping[str, Things]  # by caller: what C is to it
    foreign: Things
    headers: Mapping[str, Mapping[str, str]]
    query: Mapping[str, Mapping[str, str]]

    def things(self, caller: str, about: str) -> Things:
        """Return what a cell is about."""
        match about:
            case "C" | "self":
                return self.own.get(caller, self.own["issuer by key"])
            case "D":
                return self.foreign
            case _:
                return ABSENT


async def _things(running: Application, buyer: Person, code: Person) -> Things:
    """Let a user buy for an access code, and the code spend."""
    now = running.clock.now()
    purchase = Purchase(10, "Aeon", "AEON", code.access_code)
    order = await buy(running.database, buyer.caller, purchase, running.resources.terms, now)
    made = await assessments.create(
        AssessmentContext(running.database, running.resources.ensemble, running.clock),
        pick_account=assessments.from_own_account(code.caller),
        subject=Subject(AssessmentType.ADDRESS, ADDRESS, "BTC", None),
        actor=Actor(code.account_id, "test"),
    )
    spare_key = await make_key(running.database, code.account_id, now)
    endpoint_id, delivery_id = await _webhook(running, code)
    return Things(
        code.access_code or "",
        order.id,
        made.assessment.id,
        spare_key.split("_")[1],
        endpoint_id,
        delivery_id,
    )


async def _webhook(running: Application, code: Person) -> tuple[str, str]:
    """Make a webhook endpoint of an access code, and a test for it; return their ids."""
    now, secrets = running.clock.now(), running.resources.webhook_secrets
    wish = EndpointWish("https://shop.example.com/hooks", None, None)
    actor = Actor(code.account_id, "test")
    async with running.database.sessions() as session, session.begin():
        made = await endpoints.create(
            session, caller=code.caller, wish=wish, secrets=secrets, actor=actor, now=now
        )
        test = await deliveries.send_test(session, made.facts.id, caller=code.caller, now=now)
    return made.facts.id, test.id


async def _with_inactive_code(
    running: Application, user: Person, *, expires: bool
) -> tuple[Person, Things]:
    before = running.clock.now() - timedelta(days=1)
    expires_at = running.clock.now() if expires else None
    code = await make_access_code(
        running.database, user, before, credits_given=2, expires_at=expires_at
    )
    running.clock.advance(-60)
    things = await _things(running, user, code)
    running.clock.advance(60)
    if not expires:
        async with running.database.sessions() as session, session.begin():
            await access_code_credits.deactivate(
                session,
                caller=user.caller,
                access_code=code.access_code or "",
                keep_credits=False,
                actor=Actor(user.account_id, "test"),
                now=running.clock.now(),
            )
    return code, things


async def _bad_keys(running: Application, user: Person) -> dict[str, str]:
    database, now = running.database, running.clock.now()
    unknown = new_api_key().text
    revoked = await make_key(database, user.account_id, now)
    async with database.sessions() as session:
        await api_keys.revoke(
            session, revoked.split("_")[1], owner=None, actor=Actor(OPERATOR, "test"), now=now
        )
    other_end = "0" if user.api_key[-1] != "0" else "1"
    return {
        "a malformed key": "not a key",
        "an empty key": "",
        "a truncated key": user.api_key[:-1],
        "a key with a wrong checksum": user.api_key[:-1] + other_end,
        "an unknown key": unknown,
        "a key with another's prefix": forge_key(user.api_key.split("_")[1], "A" * 32),
        "a revoked key": revoked,
        "an expired key": await make_key(
            database, user.account_id, now - timedelta(days=1), expires_at=now
        ),
        "a wrong key beside a valid session": unknown,
        "a key that is bound to nobody": await make_key(database, None, now),
        "a key that is bound to nobody beside a valid session": await make_key(database, None, now),
    }


async def _bad_sessions(running: Application, user: Person) -> dict[str, dict[str, str]]:
    database, now = running.database, running.clock.now()
    logged_out = await open_session(database, user, now)
    async with database.sessions() as session:
        token = logged_out["Authorization"].removeprefix("Bearer ")
        await users.logout(session, hash_token(token))
    return {
        "nobody": {},
        "a malformed session": {"Authorization": "Bearer nonsense"},
        "an unknown session": {"Authorization": f"Bearer {new_session_token()}"},
        "an expired session": await open_session(database, user, now, expires_at=now),
        "a session that logged out": logged_out,
        "a key in the query string": {},
        "a key as bearer": {"Authorization": f"Bearer {user.api_key}"},
    }


async def _disabled(running: Application) -> dict[str, dict[str, str]]:
    now = running.clock.now()
    user = await make_user(running.database, now)
    session = await open_session(running.database, user, now)
    await execute(
        running, "UPDATE accounts SET status = 'inactive' WHERE id = :id", id=user.account_id
    )
    return {"a disabled user's session": session, "a disabled user's key": user.headers}


async def populate(running: Application, api: ApiFixture) -> World:
    """Make everybody and everything that the table speaks of."""
    await learn_limits(running)
    database, now = running.database, running.clock.now()
    await give_credits(database, api.stranger.account_id, 5, now)
    await give_credits(database, api.foreign_code.account_id, 5, now)
    own = await _things(running, api.user, api.code)
    expired, expired_things = await _with_inactive_code(running, api.user, expires=True)
    closed, closed_things = await _with_inactive_code(running, api.user, expires=False)
    session = await open_session(database, api.user, now)
    headers = {
        **await _bad_sessions(running, api.user),
        **{name: {"X-API-KEY": key} for name, key in (await _bad_keys(running, api.user)).items()},
        **await _disabled(running),
        "issuer by key": api.user.headers,
        "issuer by session": session,
        "stranger by key": api.stranger.headers,
        "stranger by session": await open_session(database, api.stranger, now),
        "code by key": api.code.headers,
        "code by key beside the issuer's session": {**session, **api.code.headers},
        "expired code by key": expired.headers,
        "deactivated code by key": closed.headers,
    }
    for name, presented in headers.items():
        if name.endswith("beside a valid session"):
            headers[name] = {**session, **presented}
    return World(
        own={
            "issuer by key": own,
            "expired code by key": expired_things,
            "deactivated code by key": closed_things,
        },
        foreign=await _things(running, api.stranger, api.foreign_code),
        headers=headers,
        query={
            "a key in the query string": {
                "X-API-KEY": api.user.api_key,
                "api_key": api.user.api_key,
            }
        },
    )
