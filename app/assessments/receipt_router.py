"""Proof of an answer: its signed receipt, the page that people read, and the public keys."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.assessments import receipts
from app.assessments.receipt_schemas import (
    AssessmentIdInPath,
    PublicKeyResponse,
    PublicKeysResponse,
)
from app.assessments.report import page as report_page
from app.assessments.rules.receipts import ALGORITHM, content_of
from app.runtime.errors import NotFound
from app.web.dependencies import CallerDep, ReadConnection, ResourcesDep
from app.web.errors import responses
from app.web.request_body import StrictRoute

router = APIRouter(route_class=StrictRoute)
_ERRORS: Final = responses(400, 403, 404, 409, 429, 500, 503)
_BYTES: Final = "application/octet-stream"
_JSON: Final = "application/json"
# A client that reads the receipt into types of its own and writes it anew breaks the signature, so
# the document has no type for it (docs/receipts.md says what is in it).
_AS_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            "Content-Disposition": {
                "description": "A name for the file",
                "schema": {"type": "string"},
                "example": 'attachment; filename="asm_00VbhnY6RLeQ2oZmgNCoZuaKC.json"',
            }
        },
        "content": {
            _BYTES: {"schema": {"type": "string", "format": "binary"}},
            _JSON: {
                "schema": {
                    "description": "The same bytes: RFC 8785 canonical JSON, signed as a whole but"
                    " for `signature`. Keep them as they came"
                }
            },
        },
    }
}


@router.get(
    "/api/assessments/{assessment_id}/receipt",
    tags=["assessments"],
    summary="Get the signed receipt of an assessment",
    response_class=Response,
    response_description="The receipt: keep these very bytes",
    responses=_ERRORS | _AS_FILE,
)
async def get_receipt(
    assessment_id: AssessmentIdInPath,
    caller: CallerDep,
    request: Request,
    resources: ResourcesDep,
) -> Response:
    """Sign the answer of an assessment of one's own, or of an access code that one issued.

    The same assessment gives the same bytes for as long as the server signs with the same key. The
    signature is over these bytes: keep them as they came, and read a copy. They are called
    `application/json` unless `Accept` names `application/octet-stream`.
    """
    key = resources.receipt_key
    if key is None:
        raise NotFound(receipts.NOT_SIGNED)
    found = await receipts.finished(resources.database, caller=caller, assessment_id=assessment_id)
    receipt = await receipts.sign(resources.database, key, found, resources.clock.now())
    return Response(
        receipt,
        media_type=_BYTES if _BYTES in request.headers.get("Accept", "") else _JSON,
        headers={"Content-Disposition": f'attachment; filename="{found.id}.json"'},
    )


@router.get(
    "/api/assessments/{assessment_id}/report",
    tags=["assessments"],
    summary="Get an assessment as a page to read and print",
    response_class=Response,
    response_description="HTML that needs nothing else",
    responses=_ERRORS | {200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def get_report(
    assessment_id: AssessmentIdInPath, caller: CallerDep, resources: ResourcesDep
) -> HTMLResponse:
    """Show what the receipt says, with the receipt's SHA-256 as a QR code if this server signs."""
    found = await receipts.finished(resources.database, caller=caller, assessment_id=assessment_id)
    key, receipt = resources.receipt_key, None
    if key is not None:
        receipt = await receipts.sign(resources.database, key, found, resources.clock.now())
    # To draw it takes some 10 ms, in which others would wait.
    async with resources.report_limit.one():
        page = await asyncio.to_thread(
            report_page.render, content_of(found), receipt, found.changes
        )
    return HTMLResponse(page, headers=report_page.SECURITY_HEADERS)


@router.get(
    "/.well-known/assay-keys.json",
    tags=["assessments"],
    summary="Get the public keys of receipts",
    response_description="Every key that receipts were signed by, the newest first",
    responses=responses(405, 500, 503),
)
async def get_public_keys(
    connection: ReadConnection, resources: ResourcesDep
) -> PublicKeysResponse:
    """Show what receipts are checked with, now and after the keys were replaced."""
    keys = await receipts.published_keys(connection, resources.receipt_key)
    return PublicKeysResponse(
        keys=[
            PublicKeyResponse(
                key_id=key.key_id,
                algorithm=ALGORITHM,
                public_key=key.public_key.hex(),
                since=key.since,
                until=key.until,
            )
            for key in keys
        ]
    )
