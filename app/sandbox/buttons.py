"""What all controls share: they read JSON whatever its content type says, and answer JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import Response

from app.sandbox import exact_json
from app.sandbox.orders import NotPossible
from app.sandbox.world import World

SANDBOX: Final = "SANDBOX of AEON.to: no real coins move here"


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


TheWorld = Annotated[World, Depends(_world)]


class Body(BaseModel):
    """What a control is told; a member that it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


def reads(model: type[BaseModel]) -> Any:  # noqa: ANN401 - FastAPI's own marker
    """Read the body as JSON whatever its content type says: `curl -d` says it is a form."""

    async def read(request: Request) -> BaseModel:
        text = await request.body()
        try:
            return model.model_validate(exact_json.read(text) if text else {})
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False)
            reasons = (
                f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}"
                for fault in faults
            )
            raise HTTPException(400, "; ".join(reasons)) from None
        except (ValueError, RecursionError):
            raise HTTPException(400, "the body must be JSON") from None

    return Depends(read)


@contextmanager
def as_conflict() -> Iterator[None]:
    """Answer 409 with the reason when what the body does is not possible now."""
    try:
        yield
    except NotPossible as reason:
        raise HTTPException(409, str(reason)) from None


def say(**members: object) -> Response:
    """Answer JSON that says it is from the sandbox."""
    text = exact_json.write({"sandbox": SANDBOX, **members})
    return Response(text, media_type="application/json")
