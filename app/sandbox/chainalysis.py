"""A stand-in for Chainalysis' public sanctions API: one endpoint, and its ways of saying no.

No key is a page from the edge of its network, a wrong key is JSON, and an address that is on no
list is an empty array.
"""

from pathlib import Path
from typing import Final, cast

from fastapi import FastAPI, Request
from starlette.responses import Response

from app.sandbox import exact_json
from app.sandbox.answers import Answer, html, render
from app.sandbox.spoiling import play
from app.sandbox.vendors import ChainalysisEndpoint, Vendor
from app.sandbox.world import World

CHAINALYSIS_PATH: Final = "/chainalysis/api/v1/"
WRONG_KEY: Final = "wrong"  # the one key that is refused
_LISTED: Final = cast(
    "dict[str, object]",
    exact_json.read((Path(__file__).parent / "golden" / "chainalysis_listed.json").read_bytes()),
)


def add_chainalysis(app: FastAPI, world: World) -> None:
    """Serve the endpoint."""

    async def handle(request: Request) -> Response:
        world.stats.asked_vendor(Vendor.CHAINALYSIS, ChainalysisEndpoint.SANCTIONS)
        fault = world.faults.draw(Vendor.CHAINALYSIS, ChainalysisEndpoint.SANCTIONS)
        if fault is not None:
            world.stats.played(fault.kind)
        world.keep_stats()
        if fault is not None and not fault.after:
            return await play(fault, None, world.clock)
        key = request.headers.get("x-api-key")
        if key is None:
            return html(403, "403 Forbidden")
        answer = _answer(world, key, request.path_params["address"])
        return render(answer) if fault is None else await play(fault, answer, world.clock)

    app.add_route(f"{CHAINALYSIS_PATH}address/{{address}}", handle, methods=["GET"])


def _answer(world: World, key: str, address: str) -> Answer:
    if key == WRONG_KEY:
        return Answer(401, {"message": "Invalid API Key"})
    return Answer(200, _LISTED if address in world.vendors.listed else {"identifications": []})
