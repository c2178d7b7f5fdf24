"""The queue of the engine that wakes the worker, in a PostgreSQL schema of its own: `jobs`.

Tables and functions are those that procrastinate brings in its package. Jobs only wake, so nothing
is lost when the queue is made anew: a version of the package whose schema differs comes with a
migration that does `downgrade` and `upgrade` of this one. Until then a test fails. Processes of our
version before go on working meanwhile if the functions that they call are still there.

The previous version of the program knows nothing of the schema and works beside it.
"""

from pathlib import Path
from typing import Any

import procrastinate
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SCHEMA = Path(procrastinate.__file__).parent / "sql" / "schema.sql"

# Functions and triggers name their tables without a schema; whoever calls them has another path.
_PIN_FUNCTIONS = """
    DO $$
    DECLARE
        pinned regprocedure;
    BEGIN
        FOR pinned IN SELECT oid FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace LOOP
            EXECUTE 'ALTER FUNCTION ' || pinned || ' SET search_path = jobs';
        END LOOP;
    END $$"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA jobs")
    op.execute("SET LOCAL search_path = jobs")
    statements = _SCHEMA.read_text(encoding="utf-8")
    # The driver takes many statements at once, which SQLAlchemy would prepare as one.
    connection: Any = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(statements))
    op.execute("RESET search_path")
    op.execute(_PIN_FUNCTIONS)


def downgrade() -> None:
    op.execute("DROP SCHEMA jobs CASCADE")
