"""The documents tell the truth: their links, tables and commands are held against the code."""

import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grimp
from pydantic.fields import FieldInfo
from typer.main import get_command
from typer.testing import CliRunner

from app.accounts.errors import MissingScope, ReadOnlyKey, TooManyAttempts
from app.assessments.errors import AssessmentFault, AssessmentListFault, AssessmentNotReady
from app.cli import main as cli
from app.lists.errors import ListsNotInForce
from app.main import create_app
from app.orders.errors import (
    OrderNotCancellable,
    OrderNotSettled,
    ReferenceTaken,
    TooManyOpenOrders,
)
from app.orders.rules.states import MOVES, Move, OrderStatus
from app.runtime.errors import AppError, IdempotencyKeyReused, InvalidParameter, MissingParameter
from app.runtime.observability.metrics import Metrics
from app.settings import Settings, variables
from app.settings.fields import Unit
from app.tables import Account
from app.web.request_errors import (
    BodyTimeout,
    BodyTooLarge,
    HeadTimeout,
    HeadTooLarge,
    MalformedBody,
    MethodNotAllowed,
    UnknownQueryParameter,
)
from tests.chaos.__main__ import SCENARIOS
from tests.support.cases import each_case

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text()
API: Final = (ROOT / "docs/api.md").read_text()
CONFIGURATION: Final = (ROOT / "docs/configuration.md").read_text()
ARCHITECTURE: Final = (ROOT / "docs/architecture.md").read_text()
RECORDS: Final = (ROOT / "docs/records.md").read_text()
ORDER_STATES: Final = (ROOT / "docs/order-states.md").read_text()
OPERATIONS: Final = (ROOT / "docs/operations.md").read_text()
CONTRIBUTING: Final = (ROOT / "CONTRIBUTING.md").read_text()
RELIABILITY: Final = (ROOT / "docs/reliability.md").read_text()
DOCUMENTS: Final = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(
        str(file.relative_to(ROOT))
        for file in (ROOT / "docs").rglob("*.md")
        if "node_modules" not in file.parts
    ),
)
# What `./run` itself understands; anything else is a command of `assay`.
RUN_WORDS: Final = (
    "test", "browser", "pgbouncer", "failover", "nginx", "faketime", "prometheus", "sdk", "chaos", "bench", "check", "lint-openapi", "help",
)  # fmt: skip

LINK: Final = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
INLINE_CODE: Final = re.compile(r"`([^`\n]+)`")
CODE: Final = ("app", "benchmarks", "tests", "migrations")
CITED: Final = re.compile(r"([\w/-][\w./-]*\.(?:md|rst))\b(?:#([\w-]+))?")
FOLDER: Final = re.compile(r"[a-z][\w-]*(?:/[\w-]+)*/")
MODULE: Final = re.compile(r"\w+\.py")
FILE: Final = re.compile(r"[\w./-]+/[\w.-]+\.(?:py|md|txt|json|yaml)")
ELSEWHERE: Final = re.compile(r"(?<![\w.])/(?:work|tmp|home|root|usr|etc|opt|mnt|srv)/")
SHELL_BLOCK: Final = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMAND: Final = re.compile(r"(?:^|\$\(|bin/|\s)(assay|\./run)((?: [a-z][a-z-]*)*)(?= |$)")


def table(document: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table that has this first heading, without their backticks."""
    rows = document.partition(f"\n| {heading} |")[2].splitlines()[2:]
    found = []
    for row in rows:
        if not row.startswith("|"):
            break
        found.append([cell.strip().strip("`") for cell in row.strip("|").split("|")])
    return found


def first_column(document: str, heading: str) -> list[str]:
    return [row[0] for row in table(document, heading)]


def block_after(document: str, text: str) -> list[str]:
    return document.partition(text)[2].partition("```text\n")[2].partition("```")[0].splitlines()


def names_in_code() -> str:
    """Return the paths of all folders and modules, each between a slash and a slash or its end."""
    found = [
        path
        for top in ("app", "benchmarks", "docs", "migrations", "tests")
        for path in (ROOT / top).rglob("*")
    ]
    return "\n".join(
        f"/{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}"
        for path in found
        if path.is_dir() or path.suffix == ".py"
    )


NAMES: Final = names_in_code()


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def slugs(document: Path) -> list[str]:
    """Return the anchors of a document's headings."""
    return [slug(found) for found in re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)]


@each_case("name", DOCUMENTS)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(name: str) -> None:
    document = ROOT / name
    for target, anchor in LINK.findall(document.read_text()):
        found = (document.parent / target) if target else document
        assert found.is_file(), target
        assert found.resolve().is_relative_to(ROOT), target
        if anchor:
            assert anchor in slugs(found)


@each_case("name", DOCUMENTS)
def test_every_file_that_is_named_exists(name: str) -> None:
    for code in INLINE_CODE.findall((ROOT / name).read_text()):
        if FILE.fullmatch(code):
            assert (ROOT / code).is_file() or (ROOT / "app" / code).is_file(), code
        if MODULE.fullmatch(code) or FOLDER.fullmatch(code):
            assert f"/{code}" in NAMES, code


@each_case("name", DOCUMENTS)
def test_no_document_names_a_path_outside_the_project(name: str) -> None:
    assert not ELSEWHERE.search((ROOT / name).read_text())


def test_no_code_or_setting_cites_a_document_that_is_not_in_the_repository() -> None:
    named = {Path(name).name: ROOT / name for name in DOCUMENTS}
    texts = [
        *(path for top in CODE for path in (ROOT / top).rglob("*.py")),
        *(
            path
            for path in (ROOT / "docs/operations").iterdir()
            if path.suffix not in {".json", ".md"}
        ),
        *(ROOT / name for name in ("run", ".env.example", "compose.yaml", "pyproject.toml")),
    ]
    missing = []
    for text in texts:
        for cited, anchor in CITED.findall(text.read_text()):
            document = (ROOT / cited) if "/" in cited else named.get(cited)
            if document is None or not document.is_file():
                missing.append(f"{text.relative_to(ROOT)}: {cited}")
            elif anchor and anchor not in slugs(document):
                missing.append(f"{text.relative_to(ROOT)}: {cited}#{anchor}")
    assert not missing


def commands() -> list[tuple[str, ...]]:
    """Return the words of every command that a document names, as a code span or in a block."""
    found = set()
    for name in DOCUMENTS:
        text = (ROOT / name).read_text()
        lines = [
            line.partition(" #")[0]
            for block in SHELL_BLOCK.findall(text)
            for line in block.splitlines()
        ]
        for code in [*INLINE_CODE.findall(text), *lines]:
            for program, words in COMMAND.findall(code):
                first, *rest = words.split() or [""]
                if program == "assay" or first not in RUN_WORDS:
                    found.add((first, *rest))
    return sorted(found)


@each_case("words", commands())
def test_every_command_that_is_named_exists(words: tuple[str, ...]) -> None:
    command: Any = get_command(cli)
    path: list[str] = []
    for word in filter(None, words):
        known = getattr(command, "commands", {})
        if not known:
            break  # what follows is an argument
        assert word in known
        path.append(word)
        command = known[word]
    assert CliRunner().invoke(cli, [*path, "--help"]).exit_code == 0


def shown_default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "console` or `json"  # only the log's format follows from the terminal
    if field.default in (None, ()):
        return "none"
    if isinstance(field.default, tuple):
        return ",".join(field.default)
    unit = next((one.span for one in field.metadata if isinstance(one, Unit)), None)
    default = field.default if unit is None else field.default // unit
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_configuration_lists_every_setting_with_its_default() -> None:
    listed = [tuple(row[:2]) for row in table(CONFIGURATION, "variable")]
    assert listed == [(name, shown_default(field)) for name, field in variables().items()]


WHEN: Final = datetime(2026, 1, 11, 12, 46, 1, tzinfo=UTC)
# Errors whose text depends on the occasion, with the words that api.md has in those places.
OCCASIONS: Final[dict[type[AppError], AppError]] = {
    MissingParameter: MissingParameter("<name>"),
    InvalidParameter: InvalidParameter("<name>", "<what is allowed>"),
    MalformedBody: MalformedBody("<what is wrong with the JSON>"),
    MethodNotAllowed: MethodNotAllowed("<methods>"),
    UnknownQueryParameter: UnknownQueryParameter(["<names>"]),
    MissingScope: MissingScope("<scope>"),
    ReadOnlyKey: ReadOnlyKey("<scope>"),
    BodyTimeout: BodyTimeout(10),
    HeadTimeout: HeadTimeout(10),
    OrderNotSettled: OrderNotSettled("<status>"),
    IdempotencyKeyReused: IdempotencyKeyReused("<body, order or request>"),
    OrderNotCancellable: OrderNotCancellable("<status>"),
    ReferenceTaken: ReferenceTaken("<order id>"),
    AssessmentNotReady: AssessmentNotReady("<status>"),
    BodyTooLarge: BodyTooLarge(0),
    HeadTooLarge: HeadTooLarge(64 * 1024),
    TooManyAttempts: TooManyAttempts("bad-keys", quota=20, window=60, wait=60),
    TooManyOpenOrders: TooManyOpenOrders(0, wait=60),
    AssessmentListFault: AssessmentListFault(WHEN),
    AssessmentFault: AssessmentFault("<reason>"),
    ListsNotInForce: ListsNotInForce(["<name>"]),
}


def shown_text(kind: type[AppError]) -> str:
    text = OCCASIONS[kind].detail if kind in OCCASIONS else kind().detail  # type: ignore[call-arg]
    text = text.replace("at most 0 bytes", "at most <limit> bytes")
    text = text.replace("At most 0 unpaid", "At most <limit> unpaid")
    return text.replace(f"{WHEN:%Y-%m-%d %H:%M:%S}", "<time>")


def test_the_api_page_lists_every_error_with_its_status_and_text() -> None:
    assert sorted(tuple(row) for row in table(API, "status")) == sorted(
        (str(kind.status), kind.code, shown_text(kind)) for kind in AppError.__subclasses__()
    )


def served_endpoints() -> set[str]:
    document = create_app(Settings()).openapi()
    return {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }


def test_the_api_page_names_every_endpoint_once() -> None:
    assert sorted(first_column(API, "endpoint")) == sorted(served_endpoints())


def test_the_readme_shows_six_endpoints_and_counts_the_others() -> None:
    served = served_endpoints()
    curls = re.findall(r'curl -sS "\$URL(/[^"]+)"([^\n]*)', README)
    shown = {
        f"{'POST' if 'Content-Type' in rest or chr(92) in rest else 'GET'} {path}"
        for path, rest in curls
    }
    assert len(curls) == len(shown) == 6
    assert shown <= served
    assert f"There are {len(served) - 6} endpoints more" in README


def test_the_readme_and_the_architecture_stay_short() -> None:
    assert len(README.encode()) <= 8_000
    assert len(ARCHITECTURE.encode()) <= 12_000


def test_the_index_of_decisions_lists_every_page_by_its_title() -> None:
    folder = ROOT / "docs/decisions"
    pages = sorted(folder.glob("[0-9]*.md"))
    titles = [page.read_text().partition("\n")[0].removeprefix("# ") for page in pages]
    assert [page.name[:4] for page in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    assert table((folder / "README.md").read_text(), "number") == [
        [str(n), f"[{title}]({page.name})"]
        for n, (title, page) in enumerate(zip(titles, pages, strict=True), 1)
    ]


def test_operations_lists_every_metric() -> None:
    metrics = Metrics()
    metrics.backlog.was_counted()
    counted = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    }
    assert set(first_column(OPERATIONS, "metric")) == {
        name for name in counted if name.startswith("assay_")
    }


def test_reliability_lists_every_scenario() -> None:
    assert first_column(RELIABILITY, "scenario") == list(SCENARIOS)


def test_architecture_says_who_imports_whom() -> None:
    graph = grimp.build_graph("app")
    imported = defaultdict(set)
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            imported[module.split(".")[1:2][0] if "." in module else ""].add(other.split(".")[1])
    for package, cell in documented_imports().items():
        shared = set() if package == "web" else {"web", "resources"}
        assert imported[package] - {package} - shared == cell, package


def documented_imports() -> dict[str, set[str]]:
    """Return the packages that architecture.md lets each package import."""
    after = ARCHITECTURE.split("Who may import whom, directly:\n\n", 1)[1]
    rows = after.split("\n\n", 1)[0].splitlines()[2:]
    documented = {}
    for packages, cell in (row.strip("| ").split(" | ") for row in rows):
        for package in re.findall(r"`(\w+)`", packages):
            documented[package] = set(re.findall(r"`(\w+)`", cell))
    return documented


def test_architecture_names_every_package() -> None:
    packages = {path.name for path in (ROOT / "app").iterdir() if (path / "__init__.py").exists()}
    tree = " ".join(block_after(ARCHITECTURE, "## Packages"))
    assert {package for package in packages if f" {package}/ " not in tree} == set()


def test_records_names_every_table() -> None:
    named = {
        name.strip(" `") for cell in first_column(RECORDS, "table") for name in cell.split(",")
    }
    assert named == set(Account.metadata.tables)


def test_records_names_every_guard_of_the_database() -> None:
    migrations = "".join(
        path.read_text() for path in sorted((ROOT / "migrations/versions").glob("*.py"))
    )
    guards = set(re.findall(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\(", migrations))
    assert set(first_column(RECORDS, "function")) == guards


def test_every_arrow_of_the_state_diagram_is_a_legal_move() -> None:
    diagram = ORDER_STATES.partition("stateDiagram-v2")[2].partition("```")[0]
    arrows = re.findall(r"^ +(\w+) --> (\w+)", diagram, re.MULTILINE)
    assert {status for arrow in arrows for status in arrow} == set(OrderStatus)
    for before, after in arrows:
        move = MOVES[OrderStatus(before), OrderStatus(after)]
        assert move not in (Move.ILLEGAL, Move.STAY), f"{before} --> {after}"


def test_contributing_defines_each_word_once() -> None:
    words = first_column(CONTRIBUTING, "word")
    assert len(words) == len(set(words))
    assert {"account", "access code", "order", "payment", "assessment", "slot"} <= set(words)
