"""One PostgreSQL server per run, handed to every worker of pytest-xdist; the databases of a test.

Which tests a run has: those marked `long` only with `--all`.
"""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from app.runtime.db.engine import Database, create_database
from tests.support.clock import HandClock
from tests.support.databases import LentDatabase, RunServer, Template
from tests.support.fork_server import ForkServer
from tests.support.orders import OneOrder
from tests.support.passwords import cheap_passwords
from tests.support.people import Person, make_user
from tests.support.processes import fork_from
from tests.support.shared_work import shared_work

# Whether a test passes depends neither on chance nor on how busy the machine is.
settings.register_profile(
    "assay", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("assay")

_SERVER = pytest.StashKey[RunServer]()
_TEMPLATE = pytest.StashKey[Template]()
_FORK_SERVER = pytest.StashKey[ForkServer]()
# Where the tests are that take longest, the longest first.
_LONG: Final = ("tests/chaos/", "tests/journey/", "tests/simulation/", "tests/conformance/")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs everything."""
    parser.addoption("--all", action="store_true", help="run the tests marked long, too")


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers, unless we are a worker, which is told of them by its controller.

    Bytecode is kept, whatever the environment says: every worker and every process that a test
    starts would otherwise compile all modules again.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    given = getattr(config, "workerinput", None)
    if given is None:
        config.stash[_SERVER] = RunServer()
        config.stash[_TEMPLATE] = config.stash[_SERVER].template
        config.stash[_FORK_SERVER] = ForkServer()
        fork_from(config.stash[_FORK_SERVER].address)
    else:
        config.stash[_TEMPLATE] = Template(*given["template"])
        fork_from(given["fork_server"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401  pytest-xdist has no public type
    """Hand the template to a worker, and the address of the fork server."""
    node.workerinput["fork_server"] = node.config.stash[_FORK_SERVER].address
    node.workerinput["takes_all"] = node.config.args_source is pytest.Config.ArgsSource.TESTPATHS
    node.workerinput["template"] = tuple(node.config.stash[_TEMPLATE])


def pytest_collection(session: pytest.Session) -> None:
    """Import all tests, each worker from another one on.

    The first import of a module rewrites its assertions and keeps that. Workers that went through
    the modules in step would all rewrite each of them.
    """
    given = getattr(session.config, "workerinput", None)
    if given is None or not given["takes_all"]:
        return
    files = sorted(session.config.rootpath.glob("tests/**/test_*.py"))
    begin = len(files) * int(given["workerid"].removeprefix("gw")) // given["workercount"]
    for file in files[begin:] + files[:begin]:
        names = file.relative_to(session.config.rootpath).with_suffix("").parts
        with suppress(Exception):  # told when it is collected
            import_module(".".join(names))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked long, unless all is wanted.

    Begin with what takes longest: at the end one worker must not wait for the last of another.
    """
    if not config.getoption("--all"):
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    return next(
        (place for place, folder in enumerate(_LONG) if nodeid.startswith(folder)), len(_LONG)
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers that this process started."""
    fork_server = config.stash.get(_FORK_SERVER, None)
    if fork_server is not None:
        fork_server.stop()
    server = config.stash.get(_SERVER, None)
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def everything(pytestconfig: pytest.Config) -> bool:
    """Whether all is wanted, by `--all`: a test then draws more cases from its seeds."""
    return bool(pytestconfig.getoption("--all"))


@pytest.fixture(scope="session", autouse=True)
def _shared_work() -> Iterator[None]:
    """Let each process read certificates once, and derive the addresses of a wallet once."""
    with shared_work():
        yield


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Let nobody wait for a hash but the tests of the hash itself, and real processes."""
    with cheap_passwords():
        yield


@pytest.fixture(scope="session")
def template(pytestconfig: pytest.Config) -> Template:
    """The migrated database that all others are copied from."""
    return pytestconfig.stash[_TEMPLATE]


@pytest.fixture(scope="session")
async def worker_database(template: Template) -> AsyncIterator[Database]:
    """This worker's copy, in which nothing is ever committed: borrow it through `database`."""
    async with template.copy() as url:
        database = create_database(url, pool_size=1)
        yield database
        await database.dispose()


@pytest.fixture
async def database(worker_database: Database) -> AsyncIterator[LentDatabase]:
    """A database for one test on one connection; rolled back afterwards."""
    async with worker_database.engine.connect() as connection:
        await connection.begin()
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield LentDatabase(connection)
        await connection.rollback()


@pytest.fixture
async def database_url(template: Template) -> AsyncIterator[str]:
    """The URL of a copy for this test alone, for processes that the test starts."""
    async with template.copy() as url:
        yield url


@pytest.fixture
async def committed_database(database_url: str) -> AsyncIterator[Database]:
    """A real Database on this test's own copy: whatever commits or runs in parallel."""
    database = create_database(database_url)
    yield database
    await database.dispose()


@pytest.fixture
def clock() -> HandClock:
    """Time that stands still until a test moves it."""
    return HandClock()


@pytest.fixture
async def buyer(database: LentDatabase, clock: HandClock) -> Person:
    """A user without credits."""
    return await make_user(database, clock.now())


@pytest.fixture
async def order(database: LentDatabase, clock: HandClock, buyer: Person) -> OneOrder:
    """An order of ten credits that upstream has accepted and waits to be paid."""
    placed = await OneOrder.place(database, clock, buyer)
    await placed.created()
    await placed.reported("UNPAID")
    return placed
