"""Lists that come compressed: read by their content, bounded, one file each."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import Final

import pytest

from app.lists.parsers import files
from app.lists.parsers.files import ListUnreadable, read_list

NAME: Final = "sanctioned_addresses_XBT.txt"
BODY: Final = b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n3P14159f73E4gFr7JterCCQh9QjiTjiZrG\n"


def zipped(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def test_compressed_list_is_read_by_its_content_and_is_the_same_list(tmp_path: Path) -> None:
    plain = tmp_path / NAME
    plain.write_bytes(BODY)
    for name, content in (
        (f"{NAME}.gz", gzip.compress(BODY)),
        (f"{NAME}.bz2", bz2.compress(BODY)),
        (f"{NAME}.xz", lzma.compress(BODY)),
        (NAME, gzip.compress(BODY)),
        ("any.zip", zipped(("a/", b""), (f"a/{NAME}", BODY), ("__MACOSX/x", b"x"))),
    ):
        file = tmp_path / "packed"
        file.write_bytes(content)
        assert read_list(file, name) == read_list(plain), name


def test_archive_that_is_no_list_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100_000)
    bomb = gzip.compress(b"1" * 10_000_000)
    for name, content, reason in (
        (f"{NAME}.gz", bomb, "more than 100000 bytes when it is unpacked"),
        ("x.zip", zipped((NAME, b"1" * 10_000_000)), "more than 100000 bytes when it is unpacked"),
        (f"{NAME}.gz", gzip.compress(BODY)[:-12], "cannot be unpacked"),
        (f"{NAME}.gz", gzip.compress(b"<html>"), "web page"),
        (f"{NAME}.gz", gzip.compress(gzip.compress(BODY)), "not UTF-8|no address"),
        ("x.zip", zipped((NAME, BODY), ("other.txt", BODY)), "the zip has 2 files"),
        ("x.zip", zipped(("readme.txt", b"hello")), "its name must be"),
        ("x.zip", zipped(), "the zip has 0 files"),
        (f"{NAME}.zst", b"\x28\xb5\x2f\xfd", "may come in gzip, bzip2, xz or zip"),
        ("x.zip", b"PK\x03\x04 and no more", "cannot be unpacked"),
    ):
        file = tmp_path / "packed"
        file.write_bytes(content)
        with pytest.raises(ListUnreadable, match=reason):
            read_list(file, name)
