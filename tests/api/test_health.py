"""Signs of life, and paths and methods that are not there."""

import pytest

from app.runtime.db.revisions import head_revision
from tests.api import problems
from tests.api.asking import execute, refusal
from tests.api.conftest import ApiFixture
from tests.support.application import Application, open_application

NOT_VERIFIED = "settlement is not verified: ASSAY_ESPLORA_URL is not set"


async def test_a_process_that_lives_says_so(application: Application) -> None:
    answer = await application.http.get("/healthz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "reasons": [], "notes": []}
    assert answer.headers["X-Request-ID"]


async def test_a_service_with_its_database_is_ready(application: Application) -> None:
    answer = await application.http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "reasons": [], "notes": [NOT_VERIFIED]}


async def test_a_schema_of_an_older_version_is_not_ready(application: Application) -> None:
    await execute(application, "UPDATE alembic_version SET version_num = '0001'")

    answer = await application.http.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    [reason] = answer.json()["reasons"]
    assert reason == (
        f"the schema is at 0001, this program needs {head_revision()}: run `assay migrate`"
    )


async def test_a_schema_of_a_later_version_is_ready(application: Application) -> None:
    await execute(application, "UPDATE alembic_version SET version_num = 'later'")

    answer = await application.http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "reasons": [], "notes": [NOT_VERIFIED]}


async def test_a_database_without_a_schema_is_not_ready(application: Application) -> None:
    await execute(application, "DELETE FROM alembic_version")

    answer = await application.http.get("/readyz")

    assert answer.status_code == 503
    [reason] = answer.json()["reasons"]
    assert reason.startswith("the database has no schema, this program needs ")


async def test_a_database_that_refuses_to_be_read_is_not_ready(application: Application) -> None:
    await execute(application, "ALTER TABLE alembic_version RENAME COLUMN version_num TO other")

    answer = await application.http.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["the database refuses what it is asked; the log says why"]


async def test_a_silent_loop_is_not_ready(application: Application) -> None:
    silent = application.app.state.silent_loops
    application.app.state.silent_loops = lambda: ["reconcile"]
    try:
        answer = await application.http.get("/readyz")
    finally:
        application.app.state.silent_loops = silent

    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    assert answer.json()["reasons"] == ["the loop reconcile is silent"]


async def test_a_service_that_verifies_settlement_has_nothing_to_note(
    application: Application,
) -> None:
    servers = ("https://one.example/api/", "https://two.example/api/")
    async with open_application(application.database, esplora_url=servers) as verifying:
        answer = await verifying.http.get("/readyz")

    assert answer.json() == {"status": "ok", "reasons": [], "notes": []}


async def test_metrics_name_no_account(application: Application, api: ApiFixture) -> None:
    await application.http.get("/api/check_self_status", headers=api.code.headers)
    await application.http.post(
        f"/api/access_codes/{api.code.access_code}/deactivate", headers=api.user.headers
    )

    answer = await application.http.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "/api/check_self_status" in answer.text
    for name in (api.code.access_code, api.code.account_id, api.user.email):
        assert name is not None
        assert name not in answer.text


async def test_process_without_loops_shows_what_waits_and_when_each_loop_last_ran(
    application: Application, api: ApiFixture
) -> None:
    await execute(
        application,
        "INSERT INTO loop_beats VALUES ('sweep', clock_timestamp() - interval '100 s')",
    )
    async with open_application(application.database) as fresh:
        text = (await fresh.http.get("/metrics")).text
    shown = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert shown["assay_backlog_up"] == "1.0"
    assert shown["assay_oldest_due_order_seconds"] == "0.0"
    assert shown["assay_jobs_due"] == "0.0"
    assert shown['assay_loop_age_seconds{loop="order_looks"}'] == "+Inf"
    assert 100 <= float(shown['assay_loop_age_seconds{loop="sweep"}']) < 200


async def test_metrics_leave_out_what_cannot_be_read(application: Application) -> None:
    await execute(application, "ALTER TABLE loop_beats RENAME COLUMN beat_at TO other")
    async with open_application(application.database) as fresh:
        answer = await fresh.http.get("/metrics")
    assert answer.status_code == 200
    assert "assay_backlog_up 0.0" in answer.text
    for name in ("assay_orders{", "assay_oldest", "assay_loop_age", "assay_jobs", "assay_list_age"):
        assert f"\n{name}" not in answer.text


async def test_metrics_can_be_turned_off(application: Application) -> None:
    async with open_application(application.database, metrics=False) as without:
        assert refusal(await without.http.get("/metrics")) == problems.NOT_FOUND


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/api/new_orders", "/api/new_order/x"])
async def test_a_path_that_is_not_there_is_404(application: Application, path: str) -> None:
    assert refusal(await application.http.get(path)) == problems.NOT_FOUND


@pytest.mark.parametrize(
    ("method", "path", "methods"),
    [
        ("GET", "/api/new_order", "POST"),
        ("PUT", "/api/check_order_status", "POST"),
        ("POST", "/api/check_self_status", "GET, HEAD"),
        ("DELETE", "/api/api_keys", "GET, HEAD, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/readyz", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_there_is_405_and_names_those_that_are(
    application: Application, method: str, path: str, methods: str
) -> None:
    answer = await application.http.request(method, path)

    assert refusal(answer) == problems.not_allowed(methods)
    assert answer.headers["Allow"] == methods
