"""The client of Crystal's Expert API: what is asked, and which failure a refusal means."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final, TypeVar

from app.partners.crystal import wire
from app.partners.crystal.wire import CrystalQuestion, Meta, Transfer
from app.partners.failures import (
    OutOfCalls,
    Refused,
    UnknownOutcome,
    WrongEndpoint,
    failure_for_status,
)
from app.partners.http import Body, HttpReply, PartnerClient, PartnerRequest
from app.partners.strict_json import JsonObject, Unreadable

KEY_HEADER: Final = "X-Auth-Apikey"
_ADD: Final = "monitor/tx/add"
_LIST: Final = "monitor/batch/txs"

OnCallsLeft = Callable[[int], None]
T = TypeVar("T")


class NotAllShown(UnknownOutcome):
    """What was looked for may stand where it was not looked."""

    meaning = "more was asked since than it shows"


class CrystalClient:
    """One account at Crystal. Every method raises subclasses of PartnerFailure.

    `on_calls_left` is told how many calls are left whenever an answer says so.
    """

    def __init__(self, http: PartnerClient, on_calls_left: OnCallsLeft) -> None:
        self._http = http
        self._on_calls_left = on_calls_left

    async def add(self, asked: CrystalQuestion) -> Transfer:
        """Ask a question, which costs a call."""
        return await self._ask(
            "tx_add",
            _ADD,
            wire.write_question(asked),
            lambda said: wire.read_transfer(said, asked),
        )

    async def look(self, transfer_id: str, asked: CrystalQuestion) -> Transfer | None:
        """Look at a question that was asked, by Crystal's id for it; None when it has none."""
        return await self._ask(
            "batch_txs",
            _LIST,
            wire.write_look(transfer_id),
            lambda said: wire.find_by_id(said, transfer_id, asked),
        )

    async def search(self, asked: CrystalQuestion, since: datetime | None) -> Transfer | None:
        """Look for a question by our name for it, among `wire.PAGES` pages of the newest.

        None: it was not asked since that time. It is a failure, `NotAllShown`, when more has been
        asked since. What is asked meanwhile moves others to later pages, where they are seen again.
        """
        for page in range(wire.PAGES):
            found, is_all = await self._ask(
                "batch_txs",
                _LIST,
                wire.write_search(page),
                lambda said: (wire.find_by_name(said, asked), wire.shows_all_since(said, since)),
                max_body_bytes=wire.MAX_LIST_BYTES,
            )
            if found is not None or is_all:
                return found
        raise NotAllShown("batch_txs")

    async def _ask(
        self,
        endpoint: str,
        path: str,
        body: Body,
        reader: Callable[[JsonObject], T],
        max_body_bytes: int = wire.MAX_BODY_BYTES,
    ) -> T:
        def read(reply: HttpReply) -> T:
            return reader(self._judged(endpoint, reply))

        return await self._http.fetch(PartnerRequest(endpoint, path, max_body_bytes, body), read)

    def _judged(self, endpoint: str, reply: HttpReply) -> JsonObject:
        """Return what an answer says, or raise the failure that it means."""
        status = reply.http_status
        try:
            said, meta = wire.read_meta(reply)
        except Unreadable:
            if status == HTTPStatus.OK:
                raise
            failure = failure_for_status(endpoint, status)
            if isinstance(failure, Refused):  # in words that are not Crystal's
                failure = WrongEndpoint(endpoint, http_status=status)
            raise failure from None
        if meta.calls_left is not None:
            self._on_calls_left(meta.calls_left)
        if status == HTTPStatus.OK and not meta.error_code:
            return said
        if _is_used_up(status, meta):
            raise OutOfCalls(endpoint, http_status=status)
        if status == HTTPStatus.OK:
            raise Refused(endpoint, detail=f"refused with error_code {meta.error_code}")
        raise failure_for_status(endpoint, status)


def _is_used_up(status: int, meta: Meta) -> bool:
    """Say whether a refusal is for want of calls; a 5xx is never a refusal."""
    return meta.calls_left == 0 and status < HTTPStatus.INTERNAL_SERVER_ERROR
