"""axe-core: what it finds on a page that keeps somebody out who uses a keyboard or a screen reader.

It comes from npm by a lock file with a hash, into a cache folder, and anew when the lock changed.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.browser.chromium import Chromium

_HERE: Final = Path(__file__).parent
_CACHE: Final = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay" / "browser"
)
_LOCKS: Final = ("package.json", "package-lock.json")
# WCAG 2.2 at its levels A and AA, and what axe-core calls best practice.
_TAGS: Final = '["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]'


def axe_script() -> str:
    """Return the script of axe-core, installed if it is not there."""
    wanted = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _LOCKS)).hexdigest()
    stamp = _CACHE / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(_CACHE, ignore_errors=True)
        _CACHE.mkdir(parents=True)
        for name in _LOCKS:
            shutil.copy(_HERE / name, _CACHE / name)
        subprocess.run(  # noqa: S603
            [
                *("npm", "ci", "--prefix", _CACHE, "--ignore-scripts"),
                *("--no-audit", "--no-fund", "--loglevel=error"),
            ],
            check=True,
        )
        stamp.write_text(wanted)
    return (_CACHE / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


async def faults_found(browser: Chromium, script: str) -> list[str]:
    """Return what axe-core finds on the page that is open: each rule, and where it is broken."""
    await browser.run(script)
    found: Any = await browser.run_and_wait(
        f"const found = await axe.run({{runOnly: {_TAGS}}});"
        "return found.violations.concat(found.incomplete.filter(one => one.id !== 'color-contrast'))"
        ".map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' '));"
    )
    assert isinstance(found, list), found
    return found
