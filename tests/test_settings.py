"""Every environment variable: its default, its limits, and what a wrong one is answered with."""

import re
from datetime import timedelta
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from operator import attrgetter
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.settings import ConfigurationError, load_settings, variables
from tests.support.application import RECEIPT_KEY
from tests.support.cases import each_case

CHECKOUT = Path(__file__).parents[1]
# Every setting, and what it is when nothing is set.
DEFAULTS = {
    "database.url": None,
    "database.data_dir": Path(".assay"),
    "aeonto.base_url": "https://aeon.to/api/v3/aeon2btc/",
    "aeonto.rate_scale": Decimal(1),
    "esplora.urls": (),
    "orders.create_deadline": timedelta(hours=1),
    "server.open_registration": True,
    "server.public_url": None,
    "server.trusted_proxies": (),
    "orders.btc_dest_address": None,
    "bitcoin.descriptor": None,
    "bitcoin.confirmations": 2,
    "bitcoin.unconfirmed_up_to_btc": Decimal(0),
    "bitcoin.one_confirmation_up_to_btc": Decimal(0),
    "bitcoin.payment_window": timedelta(hours=1),
    "bitcoin.late_grace": timedelta(hours=1),
    "bitcoin.excess_to_credits": False,
    "bitcoin.gap_limit": 20,
    "orders.credit_price_btc": Decimal("0.0005"),
    "orders.max_credits_per_order": 10_000,
    "orders.max_open_orders": 20,
    "payment_pages.return_origins": (),
    "orders.grant_credits_at": "BTC_SENT",
    "server.host": "127.0.0.1",
    "server.port": 8000,
    "server.run_worker": True,
    "server.metrics": True,
    "assessments.risk_providers": ("sanctions",),
    "assessments.repeat_free_within": timedelta(hours=1),
    "crystal.url": "https://apiexpert.crystalblockchain.com/",
    "crystal.api_key": None,
    "chainalysis.url": "https://public.chainalysis.com/api/v1/",
    "chainalysis.api_key": None,
    "assessments.receipt_key": None,
}


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start from an empty folder and an environment without a variable of ours."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def refusal() -> str:
    """Return the message that stops the start."""
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    return str(refused.value)


@each_case(("name", "value"), DEFAULTS.items())
def test_default_is_the_documented_one(name: str, value: object) -> None:
    assert attrgetter(name)(load_settings()) == value


def test_log_format_is_json_where_nobody_reads_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert load_settings().server.log_format == "json"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert load_settings().server.log_format == "console"


@each_case(
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
        ("CREATE_DEADLINE_SECONDS", "60", timedelta(seconds=60)),
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
        ("BITCOIN_PAYMENT_WINDOW_SECONDS", "300", timedelta(seconds=300)),
        ("BITCOIN_LATE_GRACE_SECONDS", "0", timedelta(seconds=0)),
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
        ("REPEAT_FREE_SECONDS", "60", timedelta(seconds=60)),
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
    assert load_settings().given == {f"ASSAY_{name}": value}


@each_case("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_common_database_url_becomes_asyncpgs(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", f"{scheme}://u:secret@db/assay")
    settings = load_settings()
    assert settings.database.url == SecretStr("postgresql+asyncpg://u:secret@db/assay")
    assert "secret" not in repr(settings)


@each_case(
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
        ("BITCOIN_GAP_LIMIT", "0"),
        ("CREDIT_PRICE_BTC", "0"),
        ("CREDIT_PRICE_BTC", "-0.1"),
        ("CREDIT_PRICE_BTC", "0.000000001"),
        ("CREDIT_PRICE_BTC", "Infinity"),
        ("MAX_CREDITS_PER_ORDER", "0"),
        ("MAX_OPEN_ORDERS", "-1"),
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


@each_case("name", ["ASSAY_CREDIT_PRICE", "ASSAY_", "ASSAY_DATABASEURL"])
def test_unknown_name_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert refusal() == f"{name}: no such setting"


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", "")
    monkeypatch.setenv("ASSAY_PORT", "")
    assert load_settings().database.url is None
    assert load_settings().server.port == 8000


def test_names_that_kubernetes_injects_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("ASSAY_SERVICE_PORT_HTTP", "8000")
    monkeypatch.setenv("ASSAY_PORT_8000_TCP_ADDR", "10.0.0.1")
    assert load_settings().server.port == 8000


def test_port_that_kubernetes_injects_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_PORT", "tcp://10.0.0.1:8000")
    message = refusal()
    assert message.startswith("ASSAY_PORT: ")
    assert "Kubernetes" in message
    assert "10.0.0.1" not in message


def test_dotenv_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("ASSAY_PORT=9001\nASSAY_HOST=0.0.0.0\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("ASSAY_PORT", "9002")
    settings = load_settings()
    assert (settings.server.host, settings.server.port) == ("0.0.0.0", 9002)  # noqa: S104  read, not bound


def test_unknown_and_malformed_names_of_dotenv_stop_the_start() -> None:
    Path(".env").write_text("ASSAY_PROT=9001\nASSAY_RUN_WORKER=maybe\n", encoding="utf-8")
    message = refusal()
    assert "ASSAY_PROT: no such setting" in message
    assert "ASSAY_RUN_WORKER: " in message


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().server.port = 1  # type: ignore[misc]


def _example() -> dict[str, str]:
    """Return what `.env.example` says of each variable."""
    text = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^# (ASSAY_[A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_example_names_every_variable_and_no_other() -> None:
    assert set(_example()) == set(variables())


def test_values_in_the_example_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = load_settings()
    for name, value in _example().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == defaults


@each_case(
    ("name", "texts", "allowed"),
    [
        (
            "BITCOIN_CONFIRMATIONS",
            ["\u0661", "\uff12", "1_0", "+2", "02", " 2", "2\n", "2.0", "1e1", "0x2", "0", "101"],
            "must be a whole number from 1 to 100, in ASCII digits",
        ),
        (
            "CREDIT_PRICE_BTC",
            ["5_0e-5", "5e-4", "\u0660.5", ".5", "5.", "inf", "nan", "1,5", "0.5 ", "0", "1000"],
            "must be a decimal number above 0 and below 1000, in ASCII digits",
        ),
        ("PORT", ["-1", "65536", "80_80"], "must be a whole number from 0 to 65535"),
        ("CREATE_DEADLINE_SECONDS", ["9" * 31, "2592001"], "above 0 to 2592000"),
        ("LIST_MAX_AGE_DAYS", ["\u0661", "1_0", "0", "7 "], "must be a whole number from 1"),
        ("LIST_MAX_SHRINK", ["1.1", "20%"], "from 0 to 1"),
        ("RUN_WORKER", ["t", "y", "TRUE!", "\uff11", "2", " true"], "must be true or false"),
        (
            "ESPLORA_URL",
            [
                "https://a.example/;https://b.example/",
                "https://a.example/ https://b.example/",
                "https://a.example/|https://b.example/",
                "https://a.example/\nhttps://b.example/",
                "https://a.example/\uff0chttps://b.example/",
            ],
            "must be separated by commas",
        ),
        ("TRUSTED_PROXIES", ["10.0.0.0/8;::1", "10.0.0.0/8 ::1"], "must be separated by commas"),
        ("RISK_PROVIDER", ["sanctions;exposure", "sanctions exposure"], "separated by commas"),
        ("CRYSTAL_URL", ["https://a.example/ https://b.example/"], "must be one URL"),
        ("HOST", ["0.0.0.0 ", "\u0661.0.0.0", "a b"], "must be an address or a name to listen on"),
    ],
)
def test_values_are_written_plainly_and_the_message_says_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, texts: list[str], allowed: str
) -> None:
    for text in texts:
        monkeypatch.setenv(f"ASSAY_{name}", text)
        message = refusal()
        assert message.startswith(f"ASSAY_{name}: "), text
        assert allowed in message, text


@each_case(
    "url",
    [
        "http://electrs:3000/",
        "http://ELECTRS.internal/api",
        "http://node.local:3002/",
        "http://node.home.arpa/",
        "http://esplora.localhost/",
        "http://10.1.2.3/",
        "http://172.31.255.255/",
        "http://192.168.1.5:3000/",
        "http://169.254.7.7/",
        "http://127.8.8.8/",
        "http://2130706433/",  # 127.0.0.1
        "http://0x0a.1/",  # 10.0.0.1
        "http://[fd12::1]:3000/",
        "http://[fe80::1]/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_plain_http_is_taken_for_a_private_host(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in ("ESPLORA_URL", "AEONTO_BASE_URL", "CRYSTAL_URL", "CHAINALYSIS_URL"):
        monkeypatch.setenv(f"ASSAY_{name}", url)
    settings = load_settings()
    assert settings.esplora.urls == (f"{url.rstrip('/')}/",)
    assert settings.crystal.url == settings.aeonto.base_url == f"{url.rstrip('/')}/"


@each_case(
    "url",
    [
        "http://blockstream.info/api/",
        "http://electrs.lan/",
        "http://internal.example/",
        "http://8.8.8.8/",
        "http://134744072/",  # 8.8.8.8
        "http://172.32.0.1/",
        "http://100.64.0.1/",  # shared by a carrier's customers, RFC 6598
        "http://192.0.2.1/",
        "http://[2001:db8::1]/",
        "http://[::ffff:8.8.8.8]/",
        "http://electrs@blockstream.info/",
        "http://electrs\\@blockstream.info/",
        "http://10.0.0.1.nip.io/",
        "http://electrs:0/",
        "http://electrs:99999/",
        "http://electrs:/",
        "http://electrs/?a",
        "https://a.example/#b",
        "https://%61.example/",
        "https:///api",
        "https://./",
    ],
)
def test_a_url_that_is_not_safe_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ASSAY_ESPLORA_URL", url)
    assert refusal().startswith("ASSAY_ESPLORA_URL: must be ")


@each_case(
    ("one", "same"),
    [
        ("https://a.example/api", "https://A.Example/api/"),
        ("https://a.example/api/", "https://a.example:443/api/"),
        ("https://a.example/api/", "https://a.example./api/"),
        ("https://a.example/api/", "https://a.example//api//"),
        ("https://a.example/api/", "https://a.example/x/../api/"),
        ("https://a.example/api/", "https://a.example/%61pi/"),
        ("https://a.example/api/", "https://me:pw@a.example/api/"),
        ("http://electrs/", "https://electrs/"),
        ("http://electrs:3000/", "HTTP://Electrs.:3000"),
        ("http://localhost:3000/", "http://127.0.0.1:3000/"),
        ("http://localhost:3000/", "http://[::1]:3000/"),
        ("http://127.0.0.1:3000/", "http://127.1:3000/"),
        ("http://127.0.0.1:3000/", "http://0x7f000001:3000/"),
        ("http://127.0.0.1:3000/", "http://[::ffff:127.0.0.1]:3000/"),
        ("http://127.0.0.1:3000/", "http://0.0.0.0:3000/"),
        ("http://[fd00::1]/", "http://[FD00:0:0:0:0:0:0:1]/"),
    ],
)
def test_two_spellings_of_one_server_do_not_confirm_each_other(
    monkeypatch: pytest.MonkeyPatch, one: str, same: str
) -> None:
    monkeypatch.setenv("ASSAY_ESPLORA_URL", f"{one},{same}")
    assert refusal() == (
        "ASSAY_ESPLORA_URL: must not name a server twice: one server cannot confirm itself"
    )


def test_two_ports_and_two_paths_are_two_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = ("http://a:3000/", "http://a:3001/", "http://a:3000/esplora2/", "http://b:3000/")
    monkeypatch.setenv("ASSAY_ESPLORA_URL", ",".join(urls))
    assert load_settings().esplora.urls == urls


@each_case(
    ("content", "line"),
    [
        (b'A=1\nASSAY_BITCOIN_DESCRIPTOR="zpub1\nASSAY_PORT=1\n', 2),
        (b"A=1\nASSAY_BITCOIN_DESCRIPTOR='zpub1\n", 2),
        (b'A=1\n\n# note\nASSAY_HOST="a"b\n', 4),
        (b'ASSAY_HOST="a\nASSAY_PORT=1\nB="\n', 1),  # a quote that a later line closes
        (b'ASSAY_HOST=127.0.0.1"\n', 1),
        (b"A=1\nASSAY_PORT\n", 2),
        (b"A=1\nASSAY_PORT: 9001\n", 2),
        (b"A=1\nASSAY PORT=9001\n", 2),
        (b"A=1\nASSAY-PORT=9001\n", 2),
        (b"A=1\n9PORT=9001\n", 2),
        (b"A=1\n=9001\n", 2),
        (b"A=1\n\xe2\x80\x8bASSAY_PORT=9001\n", 2),
        (b"A=1\nASSAY_PORT=1\nB=2\nASSAY_PORT=2\n", 4),
        (b"A=1\nASSAY_HOST=a\x00b\n", 2),
        (b"A=1\nASSAY_HOST=\xe9\n", 2),
        (b"\xff\xfeA\x00=\x001\x00\n\x00", 1),
        (b"A=1\nASSAY_HOST=${ABSENT}\n", 2),
        (b"A=1\r\nB=2\r\nASSAY_PORT\r\n", 3),
    ],
)
def test_a_line_of_dotenv_that_is_no_setting_stops_the_start_and_is_named(
    content: bytes, line: int
) -> None:
    Path(".env").write_bytes(content)
    assert refusal().startswith(f".env, line {line}: ")


@each_case(
    "content",
    [
        b"\xef\xbb\xbfASSAY_PORT=9001\nASSAY_HOST=::1\n",
        b"ASSAY_PORT=9001\r\nASSAY_HOST='::1' # here\r\n",
        b'\n# note "\nexport ASSAY_PORT = "9001"\nASSAY_HOST=::1',
        b"A=::1\nASSAY_PORT=9001\nASSAY_HOST=${A}\nB=${C:-d}\nEMPTY=\n",
    ],
)
def test_usual_ways_to_write_dotenv_are_read(content: bytes) -> None:
    Path(".env").write_bytes(content)
    assert (load_settings().server.port, load_settings().server.host) == (9001, "::1")


def test_dotenv_that_is_a_folder_or_points_nowhere_stops_the_start() -> None:
    Path(".env").symlink_to("nowhere")
    assert refusal() == ".env: cannot be read: No such file or directory"
    Path(".env").unlink()
    Path(".env").mkdir()
    assert refusal() == ".env: cannot be read: Is a directory"


def test_names_are_written_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("assay_port=9001\nAssay_Prot=1\n", encoding="utf-8")
    monkeypatch.setenv("assay_host", "::1")
    assert refusal().splitlines() == [
        "Assay_Prot: no such setting",
        "assay_host: must be written in capitals, ASSAY_HOST",
        "assay_port: must be written in capitals, ASSAY_PORT",
    ]
