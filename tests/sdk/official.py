"""The two official clients: what of them is generated, and whether that is what is committed.

`clients/python` and `clients/typescript` also hold a few files that are written by hand.
"""

import filecmp
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.sdk.tools import HERE, NODE, PYTHON

ROOT: Final = HERE.parents[1]
CLIENTS: Final = ROOT / "clients"
_DOCUMENT: Final = ROOT / "docs" / "openapi.json"
_PYTHON_PACKAGE: Final = Path("python") / "assay_client"
_GENERATED: Final = (
    *(_PYTHON_PACKAGE / name for name in ("api", "models", "client.py", "errors.py", "types.py")),
    Path("typescript") / "src" / "schema.ts",
)


def generate(folder: Path) -> None:
    """Write what is generated of both clients below `folder`. Raises CalledProcessError."""
    package, schema = folder / _PYTHON_PACKAGE, folder / _GENERATED[-1]
    package.parent.mkdir(parents=True)
    schema.parent.mkdir(parents=True)
    _run(
        *(PYTHON / "openapi-python-client", "generate", "--path", _DOCUMENT, "--meta", "none"),
        *("--output-path", package, "--fail-on-warning"),
        *("--config", HERE / "openapi-python-client.yaml"),
    )
    _run(PYTHON / "ruff", "format", "--quiet", "--isolated", "--line-length", "100", package)
    _run(NODE / ".bin" / "openapi-typescript", _DOCUMENT, "-o", schema)


def write() -> None:
    """Put what the document makes now in the place of what is committed."""
    made = CLIENTS / "made"
    shutil.rmtree(made, ignore_errors=True)
    try:
        generate(made)
        for path in _GENERATED:
            _remove(CLIENTS / path)
            shutil.move(made / path, CLIENTS / path)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def stale(made: Path) -> list[Path]:
    """Return the committed files below `clients` that are not as generated in `made`."""
    return sorted(
        path
        for one in _GENERATED
        for path in _files(made / one, made) | _files(CLIENTS / one, CLIENTS)
        if not _same(made / path, CLIENTS / path)
    )


def _files(path: Path, base: Path) -> set[Path]:
    found = path.rglob("*") if path.is_dir() else [path]
    return {each.relative_to(base) for each in found if each.is_file() and each.suffix != ".pyc"}


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _run(*command: str | Path) -> None:
    subprocess.run(list(map(str, command)), check=True, stdout=sys.stderr)


def install(folder: Path) -> None:
    """Install both below `folder`, as by their path: `site` for Python, `node_modules` for Node.

    What they need is taken from where `tests/sdk/tools.py` installed it.
    """
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "wheels"],
        check=True,
        cwd=CLIENTS / "python",
    )
    [wheel] = (folder / "wheels").iterdir()
    _run(
        *(PYTHON / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--target", folder / "site", wheel),
    )
    modules = folder / "node_modules"
    modules.mkdir()
    for package in NODE.iterdir():
        (modules / package.name).symlink_to(package)
    shutil.copytree(CLIENTS / "typescript", modules / "assay-client")
    _run(NODE / ".bin" / "tsc", "-p", modules / "assay-client")


def main() -> int:
    """Generate below the folder that is named, compare, and install; return the exit status."""
    folder = Path(sys.argv[1])
    generate(folder / "made")
    differing = stale(folder / "made")
    if differing:
        print(f"not what docs/openapi.json makes: {', '.join(map(str, differing))}")
        print("./run sdk --write writes them anew")
        return 1
    install(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
