"""What is sent to a database: by SQLAlchemy, by the driver itself, and what begins and ends either."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app.runtime.db.connecting import BeginningConnection


@contextmanager
def statements_sent(target: Any = Engine) -> Iterator[list[str]]:  # noqa: ANN401
    """Collect the text of every statement; each is a message to the server and one back.

    SQLAlchemy's are those of `target`. What a connection prepares when it first meets a statement is
    not among them.
    """
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    def noting(name: str) -> Any:  # noqa: ANN401
        run = getattr(BeginningConnection, name)

        async def note_and_run(self: Any, query: str, *args: object, **options: object) -> Any:  # noqa: ANN401
            sent.append(query)
            return await run(self, query, *args, **options)

        return note_and_run

    event.listen(target, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fetch", "execute"):
            patch.setattr(BeginningConnection, name, noting(name))
        yield sent
    event.remove(target, "before_cursor_execute", note)
