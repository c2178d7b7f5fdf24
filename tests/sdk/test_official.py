"""The official clients, as far as they can be tried without the tools of `./run sdk`."""

import importlib.util
import json
import tomllib
from types import ModuleType
from typing import Any, Final

import pytest

from tests.sdk.official import CLIENTS, ROOT
from tests.support.cases import each_case

# The example of the Standard Webhooks specification's own libraries.
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT: Final = 1614265330
BODY: Final = b'{"test": 2432232314}'
SIGNATURE: Final = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS: Final = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(AT),
    "webhook-signature": SIGNATURE,
}
OTHER: Final = "v1,AAAA" + SIGNATURE[7:]


@pytest.fixture(scope="module")
def webhooks() -> ModuleType:
    path = CLIENTS / "python" / "assay_client" / "webhooks.py"
    spec = importlib.util.spec_from_file_location("webhooks", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each_case(
    ("headers", "now"),
    [
        (HEADERS, AT),
        (HEADERS, AT + 300),
        (HEADERS, AT - 300),
        ({name.title(): value for name, value in HEADERS.items()}, AT),
        (HEADERS | {"webhook-signature": f"{OTHER} {SIGNATURE}"}, AT),
    ],
)
def test_python_client_verifies_the_specified_signature(
    webhooks: ModuleType, headers: dict[str, str], now: float
) -> None:
    assert webhooks.verify(BODY, headers, SECRET, now=now) == {"test": 2432232314}


GENUINE: Final = {"body": BODY, "headers": HEADERS, "secret": SECRET, "now": AT}


@each_case(
    ("changes", "why"),
    [
        ({"body": BODY + b" "}, "no signature"),
        ({"secret": "whsec_AAAA"}, "no signature"),
        ({"headers": HEADERS | {"webhook-id": "msg_other"}}, "no signature"),
        ({"headers": HEADERS | {"webhook-timestamp": str(AT + 1)}}, "no signature"),
        ({"headers": HEADERS | {"webhook-signature": SIGNATURE[3:]}}, "no signature"),
        ({"headers": HEADERS | {"webhook-signature": "v1,ä"}}, "no signature"),
        ({"now": AT + 301}, "300 seconds off"),
        ({"now": AT - 301}, "300 seconds off"),
        ({"headers": HEADERS | {"webhook-timestamp": "soon"}}, "no number"),
        ({"headers": {"webhook-id": "msg_1"}}, "webhook-timestamp is missing"),
    ],
)
def test_python_client_refuses_what_is_not_signed_by_this_secret_lately(
    webhooks: ModuleType, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(webhooks.WebhookRefused, match=why):
        webhooks.verify(**GENUINE | changes)


def document() -> Any:  # noqa: ANN401
    return json.loads((ROOT / "docs" / "openapi.json").read_text())


def test_python_client_has_a_module_for_each_operation() -> None:
    operations = {
        operation["operationId"]
        for path in document()["paths"].values()
        for operation in path.values()
    }
    modules = (CLIENTS / "python" / "assay_client" / "api").glob("*/*.py")
    names = {path.stem.replace("_", "") for path in modules if path.stem != "__init__"}
    assert names == {name.lower() for name in operations}, "./run sdk --write writes them anew"


def test_official_clients_have_the_version_of_the_document() -> None:
    version = document()["info"]["version"]
    python = tomllib.loads((CLIENTS / "python" / "pyproject.toml").read_text())
    node = json.loads((CLIENTS / "typescript" / "package.json").read_text())
    assert (python["project"]["version"], node["version"]) == (version, version)
