"""The generators and compilers of `./run sdk`, in an environment of their own under a cache folder.

What PyPI and npm serve is installed from lock files with hashes, and anew when one changed. Go and
Java come from Debian.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CACHE: Final = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay" / "clients"
)
PYTHON: Final = CACHE / "python" / "bin"
NODE: Final = CACHE / "node" / "node_modules"
_LOCKS: Final = ("requirements.lock", "package.json", "package-lock.json")
_PACKAGES: Final = {
    "go": "golang-go",
    "javac": "default-jdk-headless",
    "npm": "npm",
}
# The generated Java names `javax.annotation.Generated`, which Java left out in its version 11.
JAVA_ANNOTATIONS: Final = Path("/usr/share/java/geronimo-annotation-1.3-spec.jar")
_JAVA_ANNOTATIONS_PACKAGE: Final = "libgeronimo-annotation-1.3-spec-java"


class ToolMissing(Exception):
    """A tool is neither there nor can it be installed; the message says which."""


def install() -> None:
    """Install what is missing. Raises ToolMissing, or CalledProcessError where an install fails."""
    _install_debian()
    _install_locked()


def generator_jar() -> Path:
    """Return where PyPI's package has the jar of openapi-generator."""
    found: Path = next((CACHE / "python").glob("lib/*/site-packages/openapi_generator_cli/*.jar"))
    return found


def _install_debian() -> None:
    missing = [package for name, package in _PACKAGES.items() if shutil.which(name) is None]
    if not JAVA_ANNOTATIONS.exists():
        missing.append(_JAVA_ANNOTATIONS_PACKAGE)
    if not missing:
        return
    if shutil.which("apt-get") is None or os.getuid() != 0:
        raise ToolMissing(f"install {', '.join(missing)}, as Debian calls them")
    subprocess.run(["apt-get", "update", "-q"], check=True, stdout=sys.stderr)
    subprocess.run(
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing],
        check=True,
        stdout=sys.stderr,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )


def _install_locked() -> None:
    stamp = CACHE / "installed"
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _LOCKS)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(CACHE, ignore_errors=True)
    node = CACHE / "node"
    node.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", CACHE / "python"], check=True)
    subprocess.run(
        [
            *(PYTHON / "python", "-m", "pip", "install", "-qq", "--no-deps"),
            *("--disable-pip-version-check", "--require-hashes", "-r", HERE / "requirements.lock"),
        ],
        check=True,
        stdout=sys.stderr,
    )
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, node)
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        check=True,
        stdout=sys.stderr,
        cwd=node,
    )
    stamp.write_text(wanted)
