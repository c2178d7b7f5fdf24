"""Lists from a URL, over real HTTP on loopback."""

import asyncio
import io
from collections.abc import Iterator

import pytest

from app.lists import download as list_downloads
from app.lists.download import Download, download, origin_of
from app.lists.parsers.files import ListUnreadable
from tests.support.cases import each_case
from tests.support.deadlines import hold_deadlines
from tests.support.list_server import BODY, NAME, serve_lists


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where a server of lists listens."""
    with serve_lists() as base:
        yield base


@pytest.mark.parametrize("path", [f"/{NAME}", f"/moved/{NAME}?token=secret"])
async def test_list_is_fetched_with_its_name_and_etag_through_redirects(
    url: str, path: str
) -> None:
    file = io.BytesIO()
    assert await download(url + path, file, known=None) == Download(NAME, '"v1"')
    assert file.getvalue() == BODY


@pytest.mark.parametrize("path", [f"/download?file=lists%2F{NAME}&v=1", "/attached"])
async def test_name_of_a_list_may_stand_in_the_query_or_be_told_by_the_server(
    url: str, path: str
) -> None:
    assert await download(url + path, io.BytesIO(), known=None) == Download(NAME, None)


async def test_server_that_refuses_programs_is_asked_as_the_operator_says(url: str) -> None:
    with pytest.raises(ListUnreadable, match=r"answered 403: .*ASSAY_LIST_USER_AGENT"):
        await download(f"{url}/choosy?{NAME}", io.BytesIO(), known=None)
    file = io.BytesIO()
    await download(f"{url}/choosy", file, known=None, user_agent="Mozilla/5.0")
    assert file.getvalue() == BODY


async def test_list_that_has_not_changed_is_not_fetched_again(url: str) -> None:
    file = io.BytesIO()
    assert await download(f"{url}/{NAME}", file, known='"v1"') is None
    assert file.getvalue() == b""
    assert await download(f"{url}/{NAME}", file, known='"v0"') == Download(NAME, '"v1"')


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing", "answered 404"),
        ("/insecure", "must be an https URL"),
        ("/round", "redirects more than 5 times"),
        ("/packed", "compressed"),
        (f"/{NAME}", "more than 10 bytes"),
    ],
)
async def test_what_is_no_list_in_good_order_is_refused(url: str, path: str, reason: str) -> None:
    with pytest.raises(ListUnreadable, match=reason):
        await download(url + path, io.BytesIO(), known=None, max_bytes=10)


async def test_server_that_is_too_slow_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines = hold_deadlines(monkeypatch, list_downloads)
    fetching = asyncio.create_task(
        download(f"{url}/slow", io.BytesIO(), known=None, deadline_seconds=0.3)
    )
    while not deadlines.seconds:
        await asyncio.sleep(0)
    deadlines.expire()
    with pytest.raises(ListUnreadable, match=r"longer than 0\.3 s"):
        await fetching


@each_case(
    "url", ["http://lists.example/list.txt", "ftp://lists.example/list.txt", "file:///etc/passwd"]
)
async def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(ListUnreadable, match="must be an https URL"):
        await download(url, io.BytesIO(), known=None)


async def test_server_that_is_not_there_is_a_plain_reason(url: str) -> None:
    with pytest.raises(ListUnreadable, match="cannot be fetched: ConnectError"):
        await download("http://127.0.0.1:1/list.txt", io.BytesIO(), known=None)


def test_password_and_query_of_a_url_are_not_kept() -> None:
    assert origin_of("https://me:secret@lists.example:8443/a/b.xml?token=x#y") == (
        "https://lists.example:8443/a/b.xml"
    )
