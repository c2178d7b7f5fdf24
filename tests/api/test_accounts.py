"""Accounts over HTTP."""

from tests.support.application import Application
from tests.support.people import make_access_code, make_user


async def test_an_access_code_sees_itself(application: Application) -> None:
    user = await make_user(application.database, application.clock.now())
    code = await make_access_code(
        application.database, user, application.clock.now(), credits_given=3
    )

    answer = await application.http.get("/api/check_self_status", headers=code.headers)

    assert answer.status_code == 200
    assert answer.json()["type"] == "AccessCode"
    assert answer.json()["credits_available"] == 3
