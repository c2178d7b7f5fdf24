"""libpq is told what asyncpg is told."""

from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import make_url

from app.db.libpq import keywords
from tests.support.databases import connect


def told(url: str) -> dict[str, Any]:
    return keywords(make_url(f"postgresql+asyncpg://{url}"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "u:p%40%2F@db.example:5433/assay",
            {
                "host": "db.example",
                "port": "5433",
                "user": "u",
                "password": "p@/",
                "dbname": "assay",
            },
        ),
        ("u@/assay?host=/var/run/pg", {"host": "/var/run/pg", "user": "u", "dbname": "assay"}),
        ("u@h/assay?ssl=verify-full", {"host": "h", "sslmode": "verify-full"}),
        ("u@/assay?host=a:1&host=b:2", {"host": "a,b", "port": "1,2"}),
        (
            "u@h/assay?target_session_attrs=read-write&passfile=/keys/pgpass",
            {"target_session_attrs": "read-write", "passfile": "/keys/pgpass"},
        ),
    ],
)
def test_what_a_url_says_is_said_in_the_words_of_libpq(url: str, expected: dict[str, str]) -> None:
    assert expected.items() <= told(url).items()


def test_words_of_asyncpg_alone_are_left_out() -> None:
    found = told("u@h/assay?prepared_statement_cache_size=5&command_timeout=3")
    assert conninfo_to_dict(make_conninfo(**found)).keys() == {
        "host",
        "user",
        "dbname",
        "application_name",
        "connect_timeout",
        "tcp_user_timeout",
    }


def test_without_a_host_the_usual_places_are_looked_at() -> None:
    assert told("/assay")["host"].split(",")[-1] == "localhost"


async def test_both_drivers_reach_the_same_database(database_url: str) -> None:
    ours = await connect(database_url)
    theirs = await psycopg.AsyncConnection.connect(**keywords(make_url(database_url)))
    cursor = await theirs.execute(
        "SELECT current_database(), current_user::text, current_setting('application_name')"
    )
    found = await cursor.fetchone()
    await theirs.close()
    row = await ours.fetchrow("SELECT current_database(), current_user::text")
    await ours.close()
    assert found == (*row, "assay")
