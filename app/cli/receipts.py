"""`assay receipt-key create` and `assay verify`: keys of receipts, and checking one offline."""

import os
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from app.assessments.rules.receipt_faults import KeysUnreadable, without_mark
from app.assessments.rules.receipts import (
    KEY_BYTES,
    ReceiptRefused,
    SigningKey,
    key_id_of,
    new_key_text,
    verify,
)
from app.cli.printing import AsJson, print_record
from app.partners.strict_json import Unreadable, read_json_object

KEY_FILE: Final = "receipt-key"
KEYS_PATH: Final = "/.well-known/assay-keys.json"


def create_receipt_key(*, as_json: AsJson = False) -> None:
    """Print a new private key, for ASSAY_RECEIPT_KEY. It is kept nowhere else."""
    text = new_key_text()
    record = {"receipt_key": text, "key_id": SigningKey.from_text(text).key_id}
    print_record(record, as_json=as_json)


def verify_receipt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the receipt, as it was served")],
    keys: Annotated[
        str,
        typer.Option(
            metavar="FILE_OR_URL",
            help=f"what the server shows at {KEYS_PATH}",
        ),
    ] = "assay-keys.json",
    *,
    as_json: AsJson = False,
) -> None:
    """Check a receipt, offline unless --keys is a URL; exit with 1, and say why, if it is wrong."""
    try:
        found = verify(file.read_bytes(), _public_keys(keys))
    except OSError as fault:
        _end(f"{file}: {fault.strerror}")
    except KeysUnreadable as fault:
        _end(f"{keys}: {fault}")
    except ReceiptRefused as refused:
        _end(f"{file} is not a receipt of these keys: {refused}")
    answer, question = found.content["answer"], found.content["question"]
    print_record(
        {
            "signature": "good",
            "assessment_id": found.content["assessment_id"],
            **question,
            "summary": answer.get("summary"),
            "risk_score": answer["risk_score"],
            "grade": answer["grade"],
            "answered_at": found.content["answered_at"],
            "key_id": found.key_id,
            "sha256": found.sha256,
        },
        as_json=as_json,
    )


def _end(reason: str) -> None:
    typer.echo(reason, err=True)
    raise typer.Exit(1)


def _public_keys(place: str) -> dict[str, bytes]:
    """Return public keys by their ids. Raises KeysUnreadable."""
    raw = without_mark(_read(place))
    try:
        shown = read_json_object(raw)
        keys = [_public_key(key) for key in shown["keys"]]
    except (Unreadable, KeyError, TypeError, ValueError):
        raise KeysUnreadable(f"is {_instead(raw)}not what {KEYS_PATH} shows") from None
    return {key_id_of(key): key for key in keys}


def _instead(raw: bytes) -> str:
    """Name what was taken for public keys, where that is plain."""
    if raw.lstrip().startswith(b"<"):
        return "a web page, "
    return "a receipt, " if b'"schema":"assay-receipt/' in raw else ""


def _public_key(listed: dict[str, Any]) -> bytes:
    key = bytes.fromhex(listed["public_key"])
    if len(key) != KEY_BYTES:
        raise ValueError("a key has another length")
    return key


def _read(place: str) -> bytes:
    if urlsplit(place).scheme in ("http", "https"):
        from app.cli.key_download import download_keys  # noqa: PLC0415  only a URL needs HTTP

        return download_keys(place)
    try:
        return Path(place).read_bytes()
    except FileNotFoundError as fault:
        hint = f"; save {KEYS_PATH} of the server, and name it with --keys"
        raise KeysUnreadable(f"{fault.strerror}{hint}") from None
    except OSError as fault:
        raise KeysUnreadable(str(fault.strerror)) from None


def own_key_text(data_dir: Path) -> str:
    """Return the private key of a folder, made at the first time, for its owner's eyes alone."""
    file = data_dir / KEY_FILE
    if not file.exists():
        unfinished = file.with_suffix(".new")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.write(new_key_text())
        unfinished.rename(file)
    return file.read_text(encoding="ascii")
