"""`assay verify` and `assay receipt-key create`: what a customer and an operator do with receipts."""

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result
from typing_extensions import override

from app.assessments.rules.receipts import SigningKey, sha256_of
from app.cli import main
from app.cli.dev import _signing
from app.cli.receipts import own_key_text
from tests.assessments.test_receipts import KEY, RECEIPT
from tests.support.application import RECEIPT_KEY, settings_for_tests

OTHER: Final = SigningKey(bytes(32))


def listed(*keys: SigningKey) -> bytes:
    """Write keys as the server shows them."""
    shown = [{"key_id": key.key_id, "public_key": key.public_key.hex()} for key in keys]
    return json.dumps({"keys": shown}).encode()


@pytest.fixture
def receipt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A receipt and the keys it is checked with, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assay-keys.json").write_bytes(listed(OTHER, KEY))
    (tmp_path / "receipt.json").write_bytes(RECEIPT)
    return tmp_path / "receipt.json"


def assay(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_a_good_receipt_is_told_with_what_it_says(receipt: Path) -> None:
    answer = assay("verify", "receipt.json", "--json")

    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == {
        "signature": "good",
        "assessment_id": "asm_00VbhnY6RLeQ2oZmgNCoZuaKC",
        "assessment_type": "address",
        "address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
        "currency": "BTC",
        "tx_hash": None,
        "as_of": None,
        "summary": None,
        "risk_score": "0.85",
        "grade": "severe",
        "answered_at": "2026-01-11T12:46:02.000500Z",
        "key_id": KEY.key_id,
        "sha256": sha256_of(RECEIPT),
    }


def test_a_changed_receipt_is_refused_with_the_reason(receipt: Path) -> None:
    receipt.write_bytes(RECEIPT.replace(b"0.85", b"0.01"))

    answer = assay("verify", "receipt.json")

    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr == (
        "receipt.json is not a receipt of these keys: its signature is not that of its content: it"
        " was changed\n"
    )


def test_a_receipt_of_nobody_we_know_is_refused(receipt: Path) -> None:
    Path("others.json").write_bytes(listed(OTHER))

    answer = assay("verify", "receipt.json", "--keys", "others.json")

    assert answer.exit_code == 1
    assert answer.stderr.endswith(
        "none of the keys has the id that it names: they are another server's, or older\n"
    )


def test_a_key_is_known_by_its_bytes_whatever_id_it_claims(receipt: Path) -> None:
    forged = {"keys": [{"key_id": KEY.key_id, "public_key": OTHER.public_key.hex()}]}
    Path("forged.json").write_text(json.dumps(forged))

    answer = assay("verify", "receipt.json", "--keys", "forged.json")

    assert answer.exit_code == 1
    assert answer.stderr.endswith(
        "none of the keys has the id that it names: they are another server's, or older\n"
    )


@pytest.mark.parametrize(
    "keys",
    [
        *("", "[]", "{}", '{"keys": 7}', '{"keys": [7]}', '{"keys": [{}]}', '{"keys": {"a": 1}}'),
        *('{"keys": [{"public_key": "zz"}]}', '{"keys": [{"public_key": "abcd"}]}'),
    ],
)
def test_a_file_that_holds_no_keys_is_named(receipt: Path, keys: str) -> None:
    Path("bad.json").write_text(keys)

    answer = assay("verify", "receipt.json", "--keys", "bad.json")

    assert answer.exit_code == 1
    assert answer.stderr == "bad.json: is not what /.well-known/assay-keys.json shows\n"


def test_a_file_that_is_missing_is_named(receipt: Path) -> None:
    no_keys = assay("verify", "receipt.json", "--keys", "absent.json")
    no_receipt = assay("verify", "absent.json")

    assert (no_keys.exit_code, no_receipt.exit_code) == (1, 1)
    assert no_receipt.stderr == "absent.json: No such file or directory\n"
    assert no_keys.stderr == (
        "absent.json: No such file or directory; save /.well-known/assay-keys.json of the server,"
        " and name it with --keys\n"
    )


def test_what_was_mixed_up_with_the_keys_is_named(receipt: Path) -> None:
    Path("page.json").write_text("<!doctype html><title>404</title>")

    page = assay("verify", "receipt.json", "--keys", "page.json")
    itself = assay("verify", "receipt.json", "--keys", "receipt.json")

    rest = "not what /.well-known/assay-keys.json shows\n"
    assert (page.exit_code, itself.exit_code) == (1, 1)
    assert page.stderr == f"page.json: is a web page, {rest}"
    assert itself.stderr == f"receipt.json: is a receipt, {rest}"


def test_keys_that_an_editor_saved_anew_are_the_same_keys(receipt: Path) -> None:
    Path("saved.json").write_bytes(b"\xef\xbb\xbf" + listed(KEY) + b"\r\n")

    assert assay("verify", "receipt.json", "--keys", "saved.json").exit_code == 0


def test_a_receipt_that_an_editor_saved_anew_is_refused_with_what_differs(receipt: Path) -> None:
    receipt.write_bytes(RECEIPT + b"\n")

    answer = assay("verify", "receipt.json")

    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr == (
        "receipt.json is not a receipt of these keys: it has a newline after the JSON; it was saved"
        " anew: take the file as it was served\n"
    )


def test_keys_from_far_away_come_over_https_alone(receipt: Path) -> None:
    answer = assay("verify", "receipt.json", "--keys", "http://assay.example/keys")

    assert answer.exit_code == 1
    assert "must be https" in answer.stderr


class _Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/keys" else 404)
        self.end_headers()
        self.wfile.write(listed(KEY))

    @override
    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def key_server() -> Iterator[str]:
    """The address of a server that shows keys at /keys."""
    with HTTPServer(("127.0.0.1", 0), _Keys) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_keys_may_be_fetched(receipt: Path, key_server: str) -> None:
    found = assay("verify", "receipt.json", "--keys", f"{key_server}/keys")
    absent = assay("verify", "receipt.json", "--keys", f"{key_server}/elsewhere")
    away = assay("verify", "receipt.json", "--keys", "http://127.0.0.1:1/keys")

    assert (found.exit_code, absent.exit_code, away.exit_code) == (0, 1, 1)
    assert absent.stderr == f"{key_server}/elsewhere: answers 404\n"
    assert away.stderr == "http://127.0.0.1:1/keys: does not answer (ConnectError)\n"


def test_a_new_key_is_printed_with_the_id_of_its_public_part() -> None:
    made = json.loads(assay("receipt-key", "create", "--json").stdout)

    assert SigningKey.from_text(made["receipt_key"]).key_id == made["key_id"]


def test_a_folder_gets_one_key_for_its_owner_alone(tmp_path: Path) -> None:
    first = own_key_text(tmp_path)

    assert own_key_text(tmp_path) == first
    assert SigningKey.from_text(first)
    [file] = tmp_path.iterdir()
    assert stat.filemode(file.stat().st_mode) == "-rw-------"


def test_the_key_that_is_set_goes_before_the_folders(tmp_path: Path) -> None:
    own = _signing(settings_for_tests(data_dir=tmp_path, receipt_key=None)).assessments.receipt_key
    given = _signing(settings_for_tests(data_dir=tmp_path)).assessments.receipt_key

    assert own is not None
    assert own.get_secret_value() == own_key_text(tmp_path)
    assert given is not None
    assert given.get_secret_value() == RECEIPT_KEY
