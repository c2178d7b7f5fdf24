"""The `run` script, in a checkout of its own, with a stand-in for uv that installs a stand-in."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
TOOLS = (
    "cat",
    "chmod",
    "cksum",
    "dirname",
    "flock",
    "head",
    "id",
    "ln",
    "mkdir",
    "rm",
    "sed",
    "sh",
)
# Notes its arguments, speaks on standard output, and makes what the script will start.
UV = """#!/bin/sh
echo "$*" >>"$NOTES"
echo 'words of uv'
[ ! -e "$NOTES.fail" ] || exit 1
mkdir -p .venv/bin
cp_program() { printf '#!/bin/sh\\n%s\\n' "$2" >".venv/bin/$1"; chmod +x ".venv/bin/$1"; }
cp_program assay 'printf "[%s]" assay "$@"'
cp_program python 'case "$1 ${2:-}" in "-m pip") exit 1 ;; "-m "*) printf "[%s]" python "$@" ;; *) exec "$REAL" "$@" ;; esac'
"""


class Checkout:
    """A checkout that holds no more than the script needs, on a machine with the stand-in."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "with blank ü"
        self.path.mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.notes = folder / "notes"
        shutil.copy(CHECKOUT / "run", self.path)
        for name in ("requirements-run.lock", "requirements-dev.lock", "pyproject.toml"):
            (self.path / name).write_text("pinned\n")
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name) or name)
        self.add_program("uv", UV)

    def add_program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the script from another folder."""
        environment = {"PATH": str(self.bin), "NOTES": str(self.notes), "REAL": sys.executable}
        return subprocess.Popen(  # noqa: S603
            [self.path / "run", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script from another folder, to its end."""
        process = self.start(*arguments)
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def installs(self) -> list[str]:
        """Return which of the lock files were installed, in order: `run` or `dev`."""
        notes = self.notes.read_text() if self.notes.exists() else ""
        return re.findall(r"--require-hashes -r requirements-(\w+)\.lock", notes)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_is_a_posix_script_that_may_be_executed() -> None:
    assert os.access(CHECKOUT / "run", os.X_OK)
    subprocess.run(["/bin/sh", "-n", CHECKOUT / "run"], check=True)  # noqa: S603


@pytest.mark.parametrize(
    ("arguments", "started"),
    [
        ((), "[assay][dev]"),
        (("test",), "[python][-m][pytest][-n][3][--dist][worksteal]"),
        (("test", "-k", "a b"), "[python][-m][pytest][-n][3][--dist][worksteal][-k][a b]"),
        (("chaos", "--seed", "7"), "[python][-m][tests.chaos][--seed][7]"),
        (("bench", "calls"), "[python][-m][benchmarks][calls]"),
        (("user", "create", "--password", "a  b"), "[assay][user][create][--password][a  b]"),
        (("help",), "[assay][--help]"),
    ],
)
def test_becomes_the_command_and_standard_output_is_the_commands_alone(
    checkout: Checkout, arguments: tuple[str, ...], started: str
) -> None:
    answer = checkout.run(*arguments)
    assert (answer.returncode, answer.stdout) == (0, started)
    assert "words of uv" in answer.stderr


def test_browser_drives_the_report_page_where_chromium_is_installed(checkout: Checkout) -> None:
    for name in ("chromium", "chromedriver", "npm"):
        checkout.add_program(name, "#!/bin/sh\n")
    answer = checkout.run("browser", "-k", "phone")
    spread = "[-n][2][--dist][load][--maxschedchunk][1]"
    tests = "[tests/browser/see_payment_page.py][tests/browser/see_report.py][-k][phone]"
    assert (answer.returncode, answer.stdout) == (0, f"[python][-m][pytest]{spread}{tests}")


def test_browser_installs_chromium_from_debian_where_it_is_missing(checkout: Checkout) -> None:
    checkout.add_program(
        "apt-get", '#!/bin/sh\necho "apt-get $*" >>"$NOTES"\n[ "$1" = update ] || put_browser\n'
    )
    checkout.add_program("id", "#!/bin/sh\necho 0\n")
    checkout.add_program(
        "put_browser",
        "#!/bin/sh\nfor name in chromium chromedriver npm; do"
        f" printf '#!/bin/sh\\n' >{checkout.bin}/$name; chmod +x {checkout.bin}/$name; done\n",
    )
    assert checkout.run("browser").returncode == 0
    assert checkout.run("browser").returncode == 0
    notes = [line for line in checkout.notes.read_text().splitlines() if "apt-get" in line]
    assert [line.split()[1] for line in notes] == ["update", "install"]
    assert {"chromium", "chromium-driver", "npm"} <= set(notes[1].split())


def test_browser_says_what_to_install_where_it_may_not(checkout: Checkout) -> None:
    answer = checkout.run("browser")
    assert answer.returncode == 1
    assert answer.stderr.endswith("install them (on Debian: chromium chromium-driver npm)\n")


def test_pgbouncer_is_driven_where_it_is_installed(checkout: Checkout) -> None:
    checkout.add_program("pgbouncer", "#!/bin/sh\n")
    answer = checkout.run("pgbouncer", "-k", "transaction")
    tests = "[tests/pooler/drive_pgbouncer.py][-k][transaction]"
    assert (answer.returncode, answer.stdout) == (0, f"[python][-m][pytest][-n][0]{tests}")


def test_failover_needs_no_package_of_the_system(checkout: Checkout) -> None:
    answer = checkout.run("failover", "-k", "disk")
    tests = "[tests/failover/drive_failover.py][-k][disk]"
    assert (answer.returncode, answer.stdout) == (0, f"[python][-m][pytest][-n][0]{tests}")


def test_nginx_is_driven_where_it_is_installed(checkout: Checkout) -> None:
    checkout.add_program("nginx", "#!/bin/sh\n")
    answer = checkout.run("nginx", "-k", "metrics")
    tests = "[tests/proxy/drive_nginx.py][-k][metrics]"
    assert (answer.returncode, answer.stdout) == (0, f"[python][-m][pytest][-n][0]{tests}")


def test_faketime_is_driven_where_it_is_installed(checkout: Checkout) -> None:
    checkout.add_program("faketime", "#!/bin/sh\n")
    answer = checkout.run("faketime", "-k", "1h")
    assert "[tests/skew/drive_faketime.py][-k][1h]" in answer.stdout


def test_prometheus_is_driven_where_it_is_installed(checkout: Checkout) -> None:
    for name in ("prometheus", "promtool"):
        checkout.add_program(name, "#!/bin/sh\n")
    answer = checkout.run("prometheus", "-k", "killed")
    tests = (
        "[tests/monitoring/drive_prometheus.py][tests/monitoring/drive_dashboard.py][-k][killed]"
    )
    assert (answer.returncode, answer.stdout) == (0, f"[python][-m][pytest][-n][0]{tests}")


def test_second_run_installs_nothing_and_says_nothing(checkout: Checkout) -> None:
    checkout.run()
    second = checkout.run()
    assert (second.stdout, second.stderr) == ("[assay][dev]", "")
    assert checkout.installs() == ["run"]


@pytest.mark.parametrize(
    "word",
    [
        "test",
        "check",
        "browser",
        "pgbouncer",
        "failover",
        "nginx",
        "faketime",
        "prometheus",
        "chaos",
    ],
)
def test_tools_of_development_come_with_the_first_command_that_needs_them(
    checkout: Checkout, word: str
) -> None:
    checkout.run("help")
    checkout.run("user", "list")
    assert checkout.installs() == ["run"]
    checkout.run(word)
    checkout.run("test")
    assert checkout.installs() == ["run", "dev"]


def test_what_runs_is_there_once_the_tools_are(checkout: Checkout) -> None:
    checkout.run("test")
    assert checkout.run().stderr == ""
    assert checkout.installs() == ["dev"]


@pytest.mark.parametrize(
    ("name", "installed"),
    [
        ("requirements-run.lock", ["run", "dev"]),
        ("pyproject.toml", ["run", "dev"]),
        ("requirements-dev.lock", ["dev"]),
    ],
)
def test_changed_pins_are_installed_for_whom_they_concern(
    checkout: Checkout, name: str, installed: list[str]
) -> None:
    checkout.run("test")
    (checkout.path / name).write_text("pinned anew\n")
    for word in ("help", "test", "help", "test"):
        checkout.run(word)
    assert checkout.installs() == ["dev", *installed]


def test_pins_that_come_back_are_installed_again(checkout: Checkout) -> None:
    checkout.run("test")
    for text in ("pinned anew\n", "pinned\n"):
        (checkout.path / "requirements-run.lock").write_text(text)
        checkout.run()
    checkout.run("test")
    assert checkout.installs() == ["dev", "run", "run", "dev"]


def test_second_run_waits_for_one_that_is_installing(checkout: Checkout) -> None:
    gate = checkout.notes.with_suffix(".gate")
    os.mkfifo(gate)
    checkout.add_program("uv", UV.replace("echo 'words of uv'", 'cat "$NOTES.gate"'))
    first = checkout.start()
    with gate.open("w"):  # once uv runs; it ends when this is closed
        second = checkout.start()
        assert second.stderr is not None
        assert "waiting for another ./run" in second.stderr.readline()
        gate.unlink()
        gate.touch()
    assert first.communicate()[0] == second.communicate()[0] == "[assay][dev]"
    assert checkout.installs() == ["run"]


# Notes its arguments.
PIP = """import os, sys
from pathlib import Path
with Path(os.environ["NOTES"]).open("a") as notes:
    print("pip", *sys.argv[1:], file=notes)
"""


def test_pip_of_the_machine_installs_where_the_environment_has_none(
    checkout: Checkout, tmp_path: Path
) -> None:
    (checkout.bin / "uv").unlink()
    pip = tmp_path / "machine" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(PIP)
    python = f'#!/bin/sh\nPYTHONPATH={pip.parent} exec {sys.executable} "$@"\n'
    checkout.add_program("python3", python)
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "venv", "--without-pip", checkout.path / ".venv"], check=True
    )
    checkout.add_program("assay", "#!/bin/sh\n")
    (checkout.path / ".venv/bin/assay").symlink_to(checkout.bin / "assay")
    assert checkout.run().returncode == 0
    assert checkout.notes.read_text().splitlines() == [
        "pip install --quiet --no-deps --require-hashes -r requirements-run.lock",
        "pip install --quiet --no-deps --no-build-isolation -e .",
    ]
    lent = checkout.path / ".venv" / "machine"
    assert [(path.name, path.resolve()) for path in lent.iterdir()] == [("pip", pip)]


def test_environment_that_was_left_half_made_is_made_anew(checkout: Checkout) -> None:
    checkout.run()
    (checkout.path / ".venv" / "assay-unfinished").touch()
    (checkout.path / ".venv" / "half").touch()
    assert checkout.run().returncode == 0
    assert checkout.installs() == ["run", "run"]
    assert not (checkout.path / ".venv" / "half").exists()


def test_moved_checkout_makes_its_environment_anew(checkout: Checkout) -> None:
    checkout.run()
    (checkout.path / ".venv" / "from-before").touch()
    checkout.path = checkout.path.rename(checkout.path.with_name("moved"))
    checkout.run()
    assert checkout.installs() == ["run", "run"]
    assert not (checkout.path / ".venv" / "from-before").exists()


def test_failed_install_starts_nothing_and_is_tried_again(checkout: Checkout) -> None:
    checkout.run()
    (checkout.path / "pyproject.toml").write_text("changed")
    failing = checkout.notes.with_suffix(".fail")
    failing.touch()
    failed = checkout.run()
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "could not install" in failed.stderr
    failing.unlink()
    assert checkout.run().stdout == "[assay][dev]"


def test_python_that_is_too_old_is_named(checkout: Checkout) -> None:
    (checkout.bin / "uv").unlink()
    old = '#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2 && exit 0\nexit 1\n'
    checkout.add_program("python3", old)
    answer = checkout.run()
    assert answer.returncode == 1
    assert answer.stderr == (
        "run: needs Python 3.11 or later, but python3 is Python 3.9.2: install a newer one, or uv\n"
    )
