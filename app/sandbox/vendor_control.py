"""The buttons of the risk vendors, under /control/vendors/: what they answer, and how slowly."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from app.sandbox.buttons import Body, TheWorld, reads, say
from app.sandbox.world import World

router = APIRouter(prefix="/control/vendors")

_Fraction = Annotated[Decimal, Field(ge=0, le=1)]


class CrystalBody(Body):
    """How Crystal answers from now on; what is left out becomes as it was at the start."""

    pending_looks: int = Field(0, ge=0, le=1000, description="before a new question is ready")
    calls_left: int = Field(5_000, ge=0, le=1_000_000)
    numbered: bool = Field(False, description="whether ids are whole numbers, as they once were")
    signals: dict[str, _Fraction] | None = Field(None, description="none: the usual ones")
    riskscore: _Fraction | None = Field(None, description="beside those signals")
    refuse: int | None = Field(None, ge=200, le=599, description="the status of a refusal")


class ChainalysisBody(Body):
    """An address, and whether Chainalysis knows it as sanctioned."""

    address: str = Field(min_length=1, max_length=256)
    listed: bool = True


def _tell(world: World) -> Response:
    """Say how the vendors are now."""
    crystal = world.vendors.crystal
    return say(
        crystal={
            "calls_left": crystal.calls_left,
            "calls_used": crystal.calls_used,
            "pending_looks": crystal.pending_looks,
            "numbered": crystal.numbered,
            "refuse": crystal.refuse,
            "transfers": [
                {**transfer.members, "pending_looks": transfer.pending_looks}
                for transfer in crystal.transfers
            ],
        },
        chainalysis={"listed": sorted(world.vendors.listed)},
    )


@router.get("", summary="Show what the risk vendors were asked")
async def show(world: TheWorld) -> Response:
    return _tell(world)


@router.post("/crystal", summary="Set how Crystal answers")
async def set_crystal(
    body: Annotated[CrystalBody, reads(CrystalBody)], world: TheWorld
) -> Response:
    crystal = world.vendors.crystal
    for name, value in body:
        setattr(crystal, name, value)
    return _tell(world)


@router.post("/chainalysis", summary="Put an address on Chainalysis' list, or take it off")
async def set_chainalysis(
    body: Annotated[ChainalysisBody, reads(ChainalysisBody)], world: TheWorld
) -> Response:
    if body.listed:
        world.vendors.listed.add(body.address)
    else:
        world.vendors.listed.discard(body.address)
    return _tell(world)
