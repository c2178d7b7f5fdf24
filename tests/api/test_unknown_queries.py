"""A query parameter that nobody knows is 400, and the text names those that are known."""

from typing import Any, Final

from tests.api import problems
from tests.api.asking import look, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import Application

PLACE: Final = {
    "access_code": "0" * 16,
    "assessment_id": "asm_1",
    "order_id": "ord_1",
    "prefix": "0" * 10,
    "webhook_endpoint_id": "whe_1",
    "webhook_delivery_id": "whd_1",
}


def asked_by_query(application: Application) -> dict[str, list[str]]:
    """Return the parameters of each GET and DELETE that needs a caller, by the document."""
    found: dict[str, list[str]] = {}
    paths: dict[str, Any] = application.app.openapi()["paths"]
    for path, methods in paths.items():
        for method in methods.keys() & {"get", "delete"}:
            operation = methods[method]
            if operation["security"] and operation["operationId"] != "checkSelfStatus":
                found[f"{method.upper()} {path}"] = sorted(
                    each["name"]
                    for each in operation.get("parameters", [])
                    if each["in"] == "query"
                )
                assert "400" in operation["responses"], path
    return found


async def test_every_get_and_delete_refuses_what_it_does_not_know(
    application: Application, api: ApiFixture
) -> None:
    asked = asked_by_query(application)
    assert asked["GET /api/ledger"] == [
        *("access_code", "created_after", "created_before", "cursor", "limit")
    ]
    assert asked["DELETE /api/api_keys/{prefix}"] == ["keep_children"]

    for operation, known in asked.items():
        method, path = operation.split(" ")
        expected = problems.unknown_query(*known)
        for query in ("limt=5", "Limit=5", "state", "limit%00=1", "=1"):
            answer = await application.http.request(
                method, f"{path.format(**PLACE)}?{query}", headers=api.user.headers
            )
            assert refusal(answer) == expected, (operation, query)


async def test_a_parameter_that_is_there_twice_is_refused(
    application: Application, api: ApiFixture
) -> None:
    answer = await look(application, "orders?limit=1&limit=2", api.user)

    assert refusal(answer) == problems.unknown_query(
        *("access_code", "client_reference", "created_after", "created_before", "cursor", "limit"),
        "status",
    )


async def test_nobody_learns_of_parameters_who_is_not_known(
    application: Application,
) -> None:
    assert refusal(await look(application, "orders?nonsense=1")) == problems.LOG_IN


async def test_the_specified_endpoint_ignores_a_query_as_the_specification_says(
    application: Application, api: ApiFixture
) -> None:
    answer = await look(application, "check_self_status?nonsense=1", api.user)

    assert answer.status_code == 200
