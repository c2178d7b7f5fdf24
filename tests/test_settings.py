"""Every environment variable: its default, its limits, and what a wrong one is answered with."""

import re
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.settings import ConfigurationError, Settings
from tests.support.application import RECEIPT_KEY

CHECKOUT = Path(__file__).parents[1]
# What the design lists, and what it is when nothing is set.
DEFAULTS = {
    "database_url": None,
    "data_dir": Path(".assay"),
    "aeonto_base_url": "https://aeon.to/api/v3/aeon2btc/",
    "aeonto_rate_scale": Decimal(1),
    "esplora_url": (),
    "create_deadline_seconds": 3600,
    "open_registration": True,
    "trusted_proxies": (),
    "btc_dest_address": None,
    "bitcoin_descriptor": None,
    "bitcoin_confirmations": 2,
    "bitcoin_unconfirmed_up_to_btc": Decimal(0),
    "bitcoin_one_confirmation_up_to_btc": Decimal(0),
    "bitcoin_payment_window_seconds": 3600,
    "bitcoin_late_grace_seconds": 3600,
    "bitcoin_excess_to_credits": False,
    "credit_price_btc": Decimal("0.0005"),
    "max_credits_per_order": 10_000,
    "grant_credits_at": "BTC_SENT",
    "host": "127.0.0.1",
    "port": 8000,
    "run_worker": True,
    "metrics": True,
    "risk_provider": ("sanctions",),
    "repeat_free_seconds": 3600,
    "crystal_url": "https://apiexpert.crystalblockchain.com/",
    "crystal_api_key": None,
    "chainalysis_url": "https://public.chainalysis.com/api/v1/",
    "chainalysis_api_key": None,
    "receipt_key": None,
}


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start from an empty folder and an environment without a variable of ours."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ASSAY_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def refusal() -> str:
    """Return the message that stops the start."""
    with pytest.raises(ConfigurationError) as refused:
        Settings.load()
    return str(refused.value)


@pytest.mark.parametrize(("name", "value"), DEFAULTS.items(), ids=str)
def test_default_is_the_documented_one(name: str, value: object) -> None:
    assert getattr(Settings.load(), name) == value


def test_log_format_is_json_where_nobody_reads_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert Settings.load().log_format == "json"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert Settings.load().log_format == "console"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DATA_DIR", "/srv/assay", Path("/srv/assay")),
        ("AEONTO_BASE_URL", "https://upstream.example/x/", "https://upstream.example/x/"),
        ("AEONTO_BASE_URL", "https://upstream.example/x", "https://upstream.example/x/"),
        ("AEONTO_BASE_URL", "http://127.0.0.1:9000/", "http://127.0.0.1:9000/"),
        ("AEONTO_BASE_URL", "http://localhost:9000", "http://localhost:9000/"),
        ("AEONTO_BASE_URL", "http://[::1]:9000", "http://[::1]:9000/"),
        ("AEONTO_RATE_SCALE", "2.5", Decimal("2.5")),
        ("ESPLORA_URL", "https://one.example/api", ("https://one.example/api/",)),
        (
            "ESPLORA_URL",
            "https://one.example/api/, http://localhost:3002,",
            ("https://one.example/api/", "http://localhost:3002/"),
        ),
        ("CREATE_DEADLINE_SECONDS", "60", 60),
        ("OPEN_REGISTRATION", "false", False),
        ("TRUSTED_PROXIES", "10.0.0.7/8, ::1,", (IPv4Network("10.0.0.0/8"), IPv6Network("::1"))),
        (
            "BTC_DEST_ADDRESS",
            "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
            "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
        ),
        ("BITCOIN_DESCRIPTOR", "xpub1", SecretStr("xpub1")),
        ("BITCOIN_CONFIRMATIONS", "6", 6),
        ("BITCOIN_UNCONFIRMED_UP_TO_BTC", "0.0005", Decimal("0.0005")),
        ("BITCOIN_ONE_CONFIRMATION_UP_TO_BTC", "0.01", Decimal("0.01")),
        ("BITCOIN_PAYMENT_WINDOW_SECONDS", "300", 300),
        ("BITCOIN_LATE_GRACE_SECONDS", "0", 0),
        ("BITCOIN_EXCESS_TO_CREDITS", "true", True),
        ("CREDIT_PRICE_BTC", "0.00000001", Decimal("0.00000001")),
        ("MAX_CREDITS_PER_ORDER", "5", 5),
        ("GRANT_CREDITS_AT", "PAID", "PAID"),
        ("HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104  read, not bound
        ("PORT", "0", 0),
        ("RUN_WORKER", "0", False),
        ("LOG_FORMAT", "console", "console"),
        ("METRICS", "false", False),
        ("RISK_PROVIDER", "sanctions, exposure", ("sanctions", "exposure")),
        ("REPEAT_FREE_SECONDS", "60", 60),
        ("CRYSTAL_URL", "http://127.0.0.1:9000/crystal", "http://127.0.0.1:9000/crystal/"),
        ("CRYSTAL_API_KEY", "a-key", SecretStr("a-key")),
        ("CHAINALYSIS_URL", "https://sanctions.example", "https://sanctions.example/"),
        ("CHAINALYSIS_API_KEY", "a-key", SecretStr("a-key")),
        ("RECEIPT_KEY", RECEIPT_KEY, SecretStr(RECEIPT_KEY)),
    ],
)
def test_variable_is_read(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.setenv(f"ASSAY_{name}", text)
    assert getattr(Settings.load(), name.lower()) == value


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_common_database_url_becomes_asyncpgs(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", f"{scheme}://u:secret@db/assay")
    settings = Settings.load()
    assert settings.database_url == SecretStr("postgresql+asyncpg://u:secret@db/assay")
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://u:hunter2@db/assay"),
        ("DATABASE_URL", "hunter2"),
        ("AEONTO_BASE_URL", "http://aeon.to/api/"),
        ("AEONTO_BASE_URL", "ftp://hunter2/"),
        ("AEONTO_BASE_URL", "hunter2"),
        ("AEONTO_BASE_URL", "http://127.0.0.1.hunter2/"),
        ("AEONTO_RATE_SCALE", "0"),
        ("AEONTO_RATE_SCALE", "-1"),
        ("AEONTO_RATE_SCALE", "NaN"),
        ("ESPLORA_URL", "http://hunter2.example/api/"),
        ("ESPLORA_URL", "https://one.example/api/,hunter2"),
        ("ESPLORA_URL", "https://hunter2.example/api,https://hunter2.example/api/"),
        ("CREATE_DEADLINE_SECONDS", "0"),
        ("CREATE_DEADLINE_SECONDS", "hunter2"),
        ("OPEN_REGISTRATION", "hunter2"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,hunter2"),
        ("BITCOIN_CONFIRMATIONS", "0"),
        ("BITCOIN_CONFIRMATIONS", "101"),
        ("BITCOIN_UNCONFIRMED_UP_TO_BTC", "-0.1"),
        ("BITCOIN_UNCONFIRMED_UP_TO_BTC", "0.000000001"),
        ("BITCOIN_ONE_CONFIRMATION_UP_TO_BTC", "NaN"),
        ("BITCOIN_PAYMENT_WINDOW_SECONDS", "299"),
        ("BITCOIN_LATE_GRACE_SECONDS", "-1"),
        ("BITCOIN_EXCESS_TO_CREDITS", "hunter2"),
        ("CREDIT_PRICE_BTC", "0"),
        ("CREDIT_PRICE_BTC", "-0.1"),
        ("CREDIT_PRICE_BTC", "0.000000001"),
        ("CREDIT_PRICE_BTC", "Infinity"),
        ("MAX_CREDITS_PER_ORDER", "0"),
        ("GRANT_CREDITS_AT", "UNPAID"),
        ("PORT", "65536"),
        ("PORT", "hunter2"),
        ("RUN_WORKER", "hunter2"),
        ("LOG_FORMAT", "hunter2"),
        ("METRICS", "hunter2"),
        ("RISK_PROVIDER", "hunter2"),
        ("RISK_PROVIDER", "sanctions,hunter2"),
        ("RISK_PROVIDER", "hunter2,hunter2"),
        ("REPEAT_FREE_SECONDS", "hunter2"),
        ("CRYSTAL_URL", "http://hunter2.example/"),
        ("CRYSTAL_API_KEY", "hunter2 hunter2"),
        ("CHAINALYSIS_URL", "hunter2"),
        ("CHAINALYSIS_API_KEY", "hunter2\u00e9"),
        ("RECEIPT_KEY", "hunter2"),
        ("RECEIPT_KEY", "hunter2hunter2hunter2hunter2hunter2hunter2huntg="),
    ],
)
def test_malformed_value_stops_the_start_naming_the_variable_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(f"ASSAY_{name}", text)
    message = refusal()
    assert message.startswith(f"ASSAY_{name}: ")
    assert "hunter2" not in message


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_PRICE", "1")
    monkeypatch.setenv("ASSAY_PORT", "x")
    monkeypatch.setenv("ASSAY_RUN_WORKER", "x")
    lines = refusal().splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "ASSAY_PRICE",
        "ASSAY_PORT",
        "ASSAY_RUN_WORKER",
    ]


@pytest.mark.parametrize("name", ["ASSAY_CREDIT_PRICE", "ASSAY_", "ASSAY_DATABASEURL"])
def test_unknown_name_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert refusal() == f"{name}: no such setting"


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", "")
    monkeypatch.setenv("ASSAY_PORT", "")
    assert Settings.load().database_url is None
    assert Settings.load().port == 8000


def test_names_that_kubernetes_injects_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("ASSAY_SERVICE_PORT_HTTP", "8000")
    monkeypatch.setenv("ASSAY_PORT_8000_TCP_ADDR", "10.0.0.1")
    assert Settings.load().port == 8000


def test_port_that_kubernetes_injects_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_PORT", "tcp://10.0.0.1:8000")
    message = refusal()
    assert message.startswith("ASSAY_PORT: ")
    assert "Kubernetes" in message
    assert "10.0.0.1" not in message


def test_dotenv_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("ASSAY_PORT=9001\nASSAY_HOST=0.0.0.0\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("ASSAY_PORT", "9002")
    settings = Settings.load()
    assert (settings.host, settings.port) == ("0.0.0.0", 9002)  # noqa: S104  read, not bound


def test_unknown_and_malformed_names_of_dotenv_stop_the_start() -> None:
    Path(".env").write_text("ASSAY_PROT=9001\nASSAY_RUN_WORKER=maybe\n", encoding="utf-8")
    message = refusal()
    assert "ASSAY_PROT: no such setting" in message
    assert "ASSAY_RUN_WORKER: " in message


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().port = 1  # type: ignore[misc]


def _example() -> dict[str, str]:
    """Return what `.env.example` says of each variable."""
    text = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^# (ASSAY_[A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_example_names_every_variable_and_no_other() -> None:
    assert set(_example()) == {f"ASSAY_{name.upper()}" for name in Settings.model_fields}


def test_values_in_the_example_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = Settings.load()
    for name, value in _example().items():
        monkeypatch.setenv(name, value)
    assert Settings.load() == defaults
