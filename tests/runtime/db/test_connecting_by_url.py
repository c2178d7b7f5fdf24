"""What ASSAY_DATABASE_URL says holds for both drivers and every command, against a real server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import URL, make_url, text

from app.runtime.db.engine import create_database
from app.runtime.db.libpq import for_psycopg
from app.runtime.db.urls import check_files, read_database_url
from app.settings import ConfigurationError, load_settings
from tests.support.commands import commands_on
from tests.support.processes import free_port
from tests.support.tls import Authority, TlsEnd

ASKED = "SELECT current_setting('geqo'), current_setting('application_name')"
USUAL = ("on", "assay")


class TlsServer(NamedTuple):
    """A PostgreSQL with TLS, whose certificate is for `localhost`, and where things are."""

    direct: URL
    port: int
    folder: Path
    authority: Authority
    end: TlsEnd

    @property
    def password(self) -> str:
        return str(self.direct.password)

    def url(self, _at: str = "localhost", /, **parameters: object) -> str:
        """Write a URL as for psql."""
        query = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
        user = f"{self.direct.username}:{quote(self.password, safe='')}"
        return f"postgresql://{user}@{_at}:{self.port}/{self.direct.database}?{query}"


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[TlsServer]:
    direct, port = make_url(database_url), free_port()
    authority = Authority(tmp_path, "authority")
    socket = f"{direct.query['host']}/.s.PGSQL.{direct.query['port']}"
    end = TlsEnd(socket, *authority.issue("localhost"))
    async with end.listening(port):
        yield TlsServer(direct, port, tmp_path, authority, end)


async def asked_by_both(url: str) -> list[tuple[str, ...]]:
    """Connect by each driver as the application does; return what the server says of both."""
    check_files(read_database_url(url))
    database = create_database(url, pool_size=1)
    try:
        async with database.reading() as connection:
            ours = tuple((await connection.execute(text(ASKED))).one())
    finally:
        await database.dispose()
    theirs = await psycopg.AsyncConnection.connect(**for_psycopg(read_database_url(url)))
    found = await (await theirs.execute(ASKED)).fetchone()
    await theirs.close()
    return [ours, found or ()]


async def seen_by_ours(url: str) -> tuple[bool, str | None]:
    """Return whether a connection says that it is encrypted, and to which host it leads."""
    database = create_database(url, pool_size=1)
    try:
        async with database.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            return driver.is_encrypted, driver.host
    finally:
        await database.dispose()


async def test_each_sslmode_is_what_it_is_to_libpq(server: TlsServer) -> None:
    root = server.authority.root
    for parameters, encrypted in (
        ({}, True),
        ({"sslmode": "disable"}, False),
        ({"sslmode": "allow"}, False),
        ({"sslmode": "prefer"}, True),
        ({"sslmode": "require"}, True),
        ({"sslmode": "verify-ca", "sslrootcert": root}, True),
        ({"sslmode": "verify-full", "sslrootcert": root}, True),
    ):
        answers = await asked_by_both(server.url(**parameters))
        assert answers == [USUAL] * 2, parameters
        assert server.end.encrypted[-2:] == [encrypted] * 2, parameters
        assert await seen_by_ours(server.url(**parameters)) == (encrypted, "localhost")
    answers = await asked_by_both(
        server.url("127.0.0.1", sslmode="verify-ca", sslrootcert=server.authority.root)
    )
    assert answers == [USUAL] * 2, "verify-ca asks for no name"


async def test_a_client_s_certificate_and_its_password_are_used(server: TlsServer) -> None:
    certificate, key = server.authority.issue("assay", password="a b&c")
    given = {"sslmode": "require", "sslcert": certificate, "sslkey": key}
    assert await asked_by_both(server.url(**given, sslpassword="a b&c")) == [USUAL] * 2
    for wrong in ({"sslpassword": "d"}, {}):
        with pytest.raises(ValueError, match="sslpassword is not the key's"):
            await asked_by_both(server.url(**given, **wrong))
    key.chmod(0o644)
    with pytest.raises(ValueError, match="sslkey names a file that others may read"):
        await asked_by_both(server.url(**given, sslpassword="a b&c"))


async def test_options_name_hosts_and_ipv6_are_what_they_are_to_libpq(server: TlsServer) -> None:
    named = server.url(options="-c geqo=off", application_name="a b", connect_timeout=3)
    assert await asked_by_both(named) == [("off", "a b")] * 2
    closed = free_port()
    several = server.url(f"127.0.0.1:{closed},localhost", target_session_attrs="read-write")
    assert await asked_by_both(several) == [USUAL] * 2
    assert await asked_by_both(server.url("[::1]")) == [USUAL] * 2
    run = quote(str(server.direct.query["host"]), safe="")
    by_socket = server.url(run).replace(f":{server.port}/", f":{server.direct.query['port']}/")
    assert await seen_by_ours(by_socket) == (False, None)
    assert await asked_by_both(by_socket) == [USUAL] * 2


async def test_command_says_in_one_sentence_why_a_url_does_not_serve(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authority(server.folder, "other").root
    root = server.authority.root
    refused = "the database refuses the user, the password or the name"
    for url, words in (
        (server.url("127.0.0.1", sslmode="verify-full", sslrootcert=root), "IP address mismatch"),
        (server.url(sslmode="verify-ca", sslrootcert=other), "certificate verify failed"),
        (server.url(sslmode="verify-full", sslrootcert="/nowhere"), "sslrootcert names a file"),
        (server.url(sslmode="bogus"), "sslmode must be one of"),
        (server.url(service="x"), "service is not supported"),
        (server.url().replace(quote(server.password, safe=""), "wrong"), refused),
        (server.url().replace(f"/{server.direct.database}?", "/nowhere?"), refused),
        (server.url(options="-c nothing=1"), "nothing"),
        (server.url(target_session_attrs="standby"), "the database does not answer"),
        ("postgresql://assay@nowhere.invalid/assay", "the database does not answer"),
        (f"postgresql://assay@127.0.0.1:{free_port()}/assay", "the database does not answer"),
    ):
        with commands_on(url, monkeypatch) as assay:
            for command in (["audit"], ["orders", "list"]):
                done = await assay(*command)
                assert (done.exit_code, done.stdout) == (2, ""), (url, done.exception)
                assert words in done.stderr
                assert done.stderr.count("\n") == 1
                assert server.password not in done.stderr


def test_settings_name_the_parameter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for query, words in (
        ("sslmode=verify-full", "sslmode=verify-full needs sslrootcert"),
        (f"sslmode=require&sslrootcert={tmp_path}/x", "sslrootcert names a file"),
        (f"sslcert={tmp_path}/x", "sslcert names a file"),
        ("replication=true", "replication is not supported"),
    ):
        monkeypatch.setenv("ASSAY_DATABASE_URL", f"postgresql://h/db?{query}")
        with pytest.raises(ConfigurationError, match=f"ASSAY_DATABASE_URL: {words}"):
            load_settings()
