"""The clients that `./run sdk` makes: how each is generated, compiled, and driven."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.sdk.tools import HERE, JAVA_ANNOTATIONS, NODE, PYTHON, generator_jar

JOURNEYS: Final = HERE / "journeys"
QUICKSTART: Final = HERE.parents[1] / "docs" / "quickstart"
Command = Sequence[str | Path]


@dataclass(frozen=True)
class Client:
    """A generator of clients: the commands run in a folder of its own, one after the other."""

    name: str
    generate: Command
    compile: Sequence[Command]
    drive: Command
    checked_by: str


def clients(document: Path, folder: Path) -> tuple[Client, ...]:
    """Return every client; `folder` gets one folder for each, with its journey in it."""
    return (
        _openapi_python_client(document, _folder(folder, "openapi_python_client.py")),
        _openapi_generator_python(document, _folder(folder, "openapi_generator_python.py")),
        _hey_api(document, _folder(folder, "hey_api.ts")),
        _openapi_fetch(document, _folder(folder, "openapi_fetch.ts")),
        _go(document, _folder(folder, "openapi_generator_go.go")),
        _java(document, _folder(folder, "OpenapiGeneratorJava.java")),
        _official_python(_folder(folder, "quickstart.py")),
        _official_typescript(_folder(folder, "quickstart.ts")),
        _curl(_folder(folder, "quickstart.sh")),
    )


def _folder(folder: Path, journey: str) -> Path:
    own = folder / journey.lower().replace(".", "_")
    own.mkdir()
    shutil.copy((QUICKSTART if journey.startswith("quickstart.") else JOURNEYS) / journey, own)
    if journey.endswith(".ts"):
        shutil.copy(HERE / "tsconfig.json", own)
        shutil.copy(HERE / "package.json", own)
        if not journey.startswith("quickstart."):
            (own / "node_modules").symlink_to(NODE)
    return own


def _openapi_python_client(document: Path, own: Path) -> Client:
    return Client(
        "openapi-python-client",
        [
            *(PYTHON / "openapi-python-client", "generate", "--path", document, "--meta", "none"),
            *("--output-path", own / "openapi_python_client_made", "--fail-on-warning"),
            *("--config", HERE / "openapi-python-client.yaml"),
        ],
        [
            [
                *(PYTHON / "mypy", "--strict", "--config-file=", "--no-incremental"),
                own / "openapi_python_client.py",
            ]
        ],
        [PYTHON / "python", own / "openapi_python_client.py"],
        "mypy --strict",
    )


def _openapi_generator(
    document: Path, own: Path, language: str, properties: str, *more: str
) -> Command:
    return [
        *("java", "-jar", generator_jar(), "generate", "-i", document, "-g", language),
        *("-o", own / "made", "--additional-properties", properties),
        *more,
        *("--global-property", "apis,models,supportingFiles,apiTests=false,modelTests=false"),
    ]


def _openapi_generator_python(document: Path, own: Path) -> Client:
    return Client(
        "openapi-generator, python",
        _openapi_generator(document, own, "python", "hideGenerationTimestamp=true"),
        [[PYTHON / "python", "-m", "compileall", "-q", own / "made" / "openapi_client"]],
        [
            "env",
            f"PYTHONPATH={own / 'made'}",
            PYTHON / "python",
            own / "openapi_generator_python.py",
        ],
        "compileall",
    )


def _hey_api(document: Path, own: Path) -> Client:
    return Client(
        "@hey-api/openapi-ts",
        [NODE / ".bin" / "openapi-ts", "-i", document, "-o", own / "hey_api_made"],
        [[NODE / ".bin" / "tsc", "-p", own]],
        [NODE / ".bin" / "jiti", own / "hey_api.ts"],
        "tsc --strict",
    )


def _openapi_fetch(document: Path, own: Path) -> Client:
    made = own / "openapi_typescript_made.ts"
    return Client(
        "openapi-typescript, openapi-fetch",
        [NODE / ".bin" / "openapi-typescript", document, "-o", made],
        [[NODE / ".bin" / "tsc", "-p", own]],
        [NODE / ".bin" / "jiti", own / "openapi_fetch.ts"],
        "tsc --strict",
    )


def _go(document: Path, own: Path) -> Client:
    made, program = own / "made", own / "journey"
    return Client(
        "openapi-generator, go",
        _openapi_generator(document, own, "go", "withGoMod=false"),
        [["sh", JOURNEYS / "build_go", made, own / "openapi_generator_go.go", program]],
        [program],
        "go build",
    )


def _java(document: Path, own: Path) -> Client:
    classes = own / "classes"
    path = os.pathsep.join(map(str, (classes, generator_jar(), JAVA_ANNOTATIONS)))
    return Client(
        "openapi-generator, java",
        _openapi_generator(document, own, "java", "openApiNullable=false", "--library", "native"),
        [["sh", "-c", f"javac -nowarn -d {classes} -cp {path} $(find {own} -name '*.java')"]],
        ["java", "-cp", path, "OpenapiGeneratorJava"],
        "javac",
    )


def _official_python(own: Path) -> Client:
    script = own / "quickstart.py"
    path = own / "site"
    mypy = ("env", f"MYPYPATH={path}", PYTHON / "mypy", "--strict", "--config-file=")
    return Client(
        "clients/python, quickstart.py",
        [sys.executable, "-m", "tests.sdk.official", own],
        [[*mypy, script], [*mypy, "-p", "assay_client"]],
        ["env", f"PYTHONPATH={path}", PYTHON / "python", script],
        "mypy --strict",
    )


def _official_typescript(own: Path) -> Client:
    shutil.copy(JOURNEYS / "verify_webhook.ts", own)
    return Client(
        "clients/typescript, quickstart.ts",
        [sys.executable, "-m", "tests.sdk.official", own],
        [[NODE / ".bin" / "tsc", "-p", own], [NODE / ".bin" / "jiti", own / "verify_webhook.ts"]],
        [NODE / ".bin" / "jiti", own / "quickstart.ts"],
        "tsc --strict",
    )


def _curl(own: Path) -> Client:
    return Client(
        "curl, quickstart.sh",
        ["true"],
        [["sh", "-n", own / "quickstart.sh"]],
        ["sh", own / "quickstart.sh"],
        "sh -n",
    )
