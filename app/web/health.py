"""Signs of life, for orchestrators and for Prometheus."""

from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.resources import Resources
from app.runtime.db.clock import MAX_SKEW_SECONDS
from app.runtime.db.failures import (
    STATEMENT_MODE,
    Unavailable,
    is_database_fault,
    reason_of,
    refuses_transactions,
    unavailability,
)
from app.runtime.db.revisions import current_revision, head_revision, is_behind
from app.runtime.db.writability import refusal_of_changes
from app.runtime.observability.logging import get_logger
from app.web.dependencies import ResourcesDep
from app.web.errors import responses
from app.web.fields import ResponseModel
from app.web.openapi import unique_operation_id

log = get_logger(__name__)

router = APIRouter(tags=["health"], generate_unique_id_function=unique_operation_id)
metrics_router = APIRouter(tags=["health"], generate_unique_id_function=unique_operation_id)
_NOT_READY: Final = 503
_UNAVAILABLE: Final = {
    Unavailable.AWAY: "the database does not answer",
    Unavailable.BUSY: "the database is busy",
    Unavailable.READ_ONLY: "the database takes no changes",
}
_REFUSED: Final = "the database refused a change a moment ago; the log says why"
_NOT_VERIFIED: Final = "settlement is not verified: ASSAY_ESPLORA_URL is not set"


class HealthResponse(ResponseModel):
    """Whether the process lives, or is ready."""

    status: str = Field(examples=["ok"])
    reasons: list[str] = Field(description="Why it is not ready; empty if it is", examples=[[]])
    notes: list[str] = Field(
        description="What an operator should know all the same",
        examples=[["settlement is not verified: ASSAY_ESPLORA_URL is not set"]],
    )


@router.get(
    "/healthz",
    summary="See whether the process lives",
    response_description="It lives",
    responses=responses(405),
)
async def healthz() -> HealthResponse:
    """Answer at once, whatever the database and AEON.to do."""
    return HealthResponse(status="ok", reasons=[], notes=[])


@router.get(
    "/readyz",
    summary="See whether the service is ready",
    response_description="It is ready",
    responses={
        405: responses(405)[405],
        503: {"model": HealthResponse, "description": "It is not"},
    },
)
async def readyz(request: Request, response: Response, resources: ResourcesDep) -> HealthResponse:
    """Look at the database, its schema and the loops; AEON.to's state decides nothing here."""
    reasons = await _database_reasons(resources)
    reasons += _clock_reasons(resources)
    reasons += [f"the loop {name} is silent" for name in request.app.state.silent_loops()]
    notes = [_NOT_VERIFIED] if resources.chain is None else []
    if not reasons:
        notes += await resources.lists.faults()
    if reasons:
        response.status_code = _NOT_READY
    return HealthResponse(
        status="not ready" if reasons else "ok",
        reasons=reasons,
        notes=notes,
    )


def _clock_reasons(resources: Resources) -> list[str]:
    skew = resources.database.clock.skew_seconds()
    if skew is None or resources.clock_is_right:
        return []
    side = "ahead of" if skew > 0 else "behind"
    return [
        f"the clock of this machine is {abs(skew):.1f} s {side} the database's: no loop runs here"
        f" until they agree within {MAX_SKEW_SECONDS:g} s"
    ]


async def _database_reasons(resources: Resources) -> list[str]:
    """Read as requests do, in both of their ways: one may work where the other fails."""
    try:
        async with resources.database.reading() as connection:
            revision = await current_revision(connection)
        async with resources.database.sessions() as session, session.begin():
            if refusal := await refusal_of_changes(await session.connection()):
                return [f"the database takes no changes: {refusal}"]
    except Exception as error:
        if not is_database_fault(error):
            raise
        log.warning("database_not_ready", reason=reason_of(error))
        if refuses_transactions(error):
            return [STATEMENT_MODE]
        why = unavailability(error)
        if why is not None:
            return [_UNAVAILABLE[why]]
        return ["the database refuses what it is asked; the log says why"]
    if resources.database.writability.refused_lately():
        return [_REFUSED]
    if not is_behind(revision):
        return []
    needed = f"this program needs {head_revision()}: run `assay migrate`"
    if revision is None:
        return [f"the database has no schema, {needed}"]
    return [f"the schema is at {revision}, {needed}"]


@metrics_router.get(
    "/metrics",
    summary="Read the metrics",
    response_description="Prometheus' text format",
    response_class=Response,
    responses=responses(405) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, resources: ResourcesDep) -> Response:
    """Render every metric of this process, and what waits in the database."""
    await request.app.state.shared_gauges.refresh()
    text, content_type = resources.metrics.render()
    return Response(text, media_type=content_type)
