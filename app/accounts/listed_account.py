"""Whose things a list shows: the caller's, or those of an access code that it may see."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic.json_schema import SkipJsonSchema

from app.accounts import access_codes
from app.web.dependencies import CallerDep, ResourcesDep
from app.web.fields import LongText


async def _code_account(
    caller: CallerDep,
    resources: ResourcesDep,
    access_code: Annotated[
        LongText | SkipJsonSchema[None],
        Query(
            description="Of this access code, one's own or one that one issued; absent: of the "
            "caller",
            examples=["Zk3v9QxT1mB7sWcE"],
        ),
    ] = None,
) -> str | None:
    if access_code is None:
        return None
    async with resources.database.reading() as connection:
        code = await access_codes.facts(
            connection, caller=caller, access_code=access_code, now=resources.clock.now()
        )
    return code.account_id


# The account of the access code that a list is limited to; None: it is not. An endpoint that asks
# for this, or for ListedAccount, has THROTTLE_INVALID_CODES among its dependencies.
CodeAccount = Annotated[str | None, Depends(_code_account, scope="function")]


async def _listed_account(caller: CallerDep, code_account: CodeAccount) -> str:
    return code_account or caller.account_id


ListedAccount = Annotated[str, Depends(_listed_account, scope="function")]
