"""Both drivers are told the same."""

from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.runtime.db.libpq import for_asyncpg, for_psycopg
from app.runtime.db.urls import read_database_url
from tests.support.databases import connect


def told(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    read = read_database_url(url)
    return for_asyncpg(read), for_psycopg(read)


def test_both_are_told_of_hosts_users_sessions_and_timeouts() -> None:
    url = "postgresql://u:p%40@a:1,[::1]/d?target_session_attrs=read-write&connect_timeout=1"
    ours, theirs = told(f"{url}&application_name=x&options=-c%20geqo%3Doff")
    assert ours == {
        "host": ["a", "::1"],
        "port": [1, 5432],
        "user": "u",
        "password": "p@",
        "database": "d",
        "target_session_attrs": "read-write",
        "timeout": 2,
        "server_settings": {"application_name": "x", "timezone": "UTC", "options": "-c geqo=off"},
    }
    assert theirs == {
        "host": "a,::1",
        "port": "1,",
        "user": "u",
        "password": "p@",
        "dbname": "d",
        "target_session_attrs": "read-write",
        "connect_timeout": 2,
        "application_name": "x",
        "options": "-c geqo=off",
        "tcp_user_timeout": 15000,
    }
    assert conninfo_to_dict(make_conninfo(**theirs))["host"] == "a,::1"


def test_tls_travels_to_asyncpg_in_a_url() -> None:
    ours, theirs = told("postgresql://h/d?sslmode=verify-ca&sslrootcert=/a%20b&sslkey=/k%26y")
    assert ours["dsn"] == "postgresql://?sslmode=verify-ca&sslrootcert=%2Fa+b&sslkey=%2Fk%26y"
    assert (theirs["sslmode"], theirs["sslrootcert"]) == ("verify-ca", "/a b")


def test_without_a_timeout_there_are_five_seconds_and_0_is_for_ever() -> None:
    assert told("postgresql://h")[0]["timeout"] == 5
    ours, theirs = told("postgresql://h?connect_timeout=0")
    assert (ours["timeout"], theirs["connect_timeout"]) == (None, 0)


def test_without_a_host_the_usual_places_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    assert told("postgresql:///assay")[1]["host"].split(",")[-1] == "localhost"
    monkeypatch.setenv("PGHOST", "db.example")
    assert "host" not in told("postgresql:///assay")[1]


async def test_both_drivers_reach_the_same_database(database_url: str) -> None:
    ours = await connect(database_url)
    theirs = await psycopg.AsyncConnection.connect(**told(database_url)[1])
    cursor = await theirs.execute(
        "SELECT current_database(), current_user::text, current_setting('application_name')"
    )
    found = await cursor.fetchone()
    await theirs.close()
    row = await ours.fetchrow("SELECT current_database(), current_user::text")
    await ours.close()
    assert found == (*row, "assay")
