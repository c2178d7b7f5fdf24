"""Words for files that are no receipt: what an editor, a browser or a mix-up made of one.

A receipt is its very bytes. Whoever holds a file that differs from them wants to know in what, to
take the file as it was served; that the difference is harmless does not make it the receipt.
"""

import codecs
import json
import re
from collections.abc import Mapping
from typing import Any, Final

_BLANKS: Final = " \t\r\n"  # the only ones that JSON allows between its parts (RFC 8259)
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_OUR_SCHEMA: Final = re.compile(r"assay-receipt/([0-9]{1,9})")
_REMEDY: Final = "it was saved anew: take the file as it was served"


def without_mark(raw: bytes) -> bytes:
    """Return a file without the byte order mark that some editors begin UTF-8 with."""
    return raw.removeprefix(codecs.BOM_UTF8)


def of_no_text(raw: bytes) -> str:
    """Say what a file is that is not UTF-8."""
    if raw.startswith(_WIDE_MARKS):
        return f"it is UTF-16 and not UTF-8; {_REMEDY}"
    return "it is not UTF-8"


def of_no_json(text: str, fault: json.JSONDecodeError) -> str:
    """Say what a text is that is not one JSON value."""
    inner = text.strip(_BLANKS)
    if not inner:
        return "it is empty"
    if inner.startswith("<"):
        return "it is a web page (HTML or XML), not JSON"
    if not inner.startswith("{"):
        return "it is not JSON"
    if fault.msg == "Extra data":
        return "it has more after the JSON object"
    if fault.pos >= len(text.rstrip(_BLANKS)) or fault.msg.startswith("Unterminated string"):
        return "it is not JSON: it ends in the middle"
    return "it is not JSON"


def of_another_kind(content: Mapping[str, Any], schema: str) -> str:
    """Say what an object is that is no receipt of this schema."""
    found = content.get("schema")
    version = _OUR_SCHEMA.fullmatch(found) if isinstance(found, str) else None
    if version is not None and int(version[1]) > int(schema.rpartition("/")[2]):
        return (
            f"it is of the schema {version[0]}, which is newer than this program, which knows"
            f" {schema}: check it with a newer one"
        )
    if "detail" in content and "code" in content:
        return "it is an error that the server answered, not a receipt"
    if isinstance(content.get("keys"), list):
        return "it is a list of public keys, not a receipt"
    if "schema" not in content and "assessment_id" in content:
        return "it is the assessment and not its receipt, which /receipt gives"
    return f"it is not of the schema {schema}"


def of_other_bytes(raw: bytes, content: Mapping[str, Any], wanted: bytes) -> str:
    """Say in what a file differs from the canonical form of its content, which is `wanted`."""
    text = without_mark(raw).decode("utf-8")
    inner = text.strip(_BLANKS)
    faults = ["begins with a byte order mark"] if raw.startswith(codecs.BOM_UTF8) else []
    if before := text[: len(text) - len(text.lstrip(_BLANKS))]:
        faults.append(f"has {_named(before)} before the JSON")
    if after := text[len(text.rstrip(_BLANKS)) :]:
        faults.append(f"has {_named(after)} after the JSON")
    faults += _faults_within(inner, content, wanted.decode("utf-8"))
    return f"it {' and '.join(faults)}; {_REMEDY}"


def _faults_within(inner: str, content: Mapping[str, Any], wanted: str) -> list[str]:
    """Say in what a JSON text without blanks around it differs from the canonical one."""
    between = "".join(_TEXT.sub("", inner).split())
    faults = []
    if between != _TEXT.sub("", inner):
        faults.append(f"has {_named(_TEXT.sub('', inner))} between the parts of the JSON")
    if _written(content) != wanted:
        faults.append("has the names of an object in another order")
    if _compact(inner) != _written(content):
        faults.append("writes a text or a number in another way")
    return faults


def _named(blanks: str) -> str:
    """Name the blanks of a text by the rarest of them, which says most about who wrote it."""
    if "\r\n" in blanks:
        return "a CRLF line end" if blanks.count("\r\n") == 1 else "CRLF line ends"
    if "\n" in blanks or "\r" in blanks:
        return "a newline" if blanks.count("\n") + blanks.count("\r") == 1 else "newlines"
    return "blanks"


def _compact(inner: str) -> str:
    """Return a JSON text without the blanks between its parts."""
    texts = _TEXT.findall(inner)
    between = ["".join(part.split()) for part in _TEXT.split(inner)]
    return "".join(part + text for part, text in zip(between, [*texts, ""], strict=True))


def _written(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


class KeysUnreadable(Exception):
    """There are no public keys at the place that was named; the message says why."""
