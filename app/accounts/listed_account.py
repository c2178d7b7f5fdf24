"""Whose things a list shows: the caller's, or those of an access code that it may see."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic.json_schema import SkipJsonSchema

from app.accounts import access_codes
from app.web.dependencies import CallerDep, ReadConnection, ResourcesDep
from app.web.fields import LongText


async def _listed_account(
    caller: CallerDep,
    connection: ReadConnection,
    resources: ResourcesDep,
    access_code: Annotated[
        LongText | SkipJsonSchema[None],
        Query(
            description="Of this access code, one's own or one that one issued; absent: of the "
            "caller",
            examples=["Zk3v9QxT1mB7sWcE"],
        ),
    ] = None,
) -> str:
    return await access_codes.listed_account(
        connection, caller=caller, access_code=access_code, now=resources.clock.now()
    )


# An endpoint that asks for it has THROTTLE_INVALID_CODES among its dependencies.
ListedAccount = Annotated[str, Depends(_listed_account, scope="function")]
