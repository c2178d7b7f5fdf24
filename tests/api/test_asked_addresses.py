"""What may be asked about: every form of an account, and nothing that is no address, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.addresses import SUPPORTED
from tests.addresses.test_one_account import PUBLISHED, USDT_ON_TRON, VITALIK, forms_of
from tests.api.asking import ask, balance_of
from tests.api.assessing import CREATE_OWN
from tests.support.application import Application, open_application
from tests.support.databases import LentDatabase
from tests.support.lists import NOW, import_rows, listed
from tests.support.people import Person, make_user

BITCOIN: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
TXID: Final = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
BATCH: Final = "create_new_assessments_for_access_code"
KEY: Final = bytes(range(7, 39))


@pytest.fixture
async def screening(database: LentDatabase) -> AsyncIterator[Application]:
    """An application that answers from lists."""
    async with open_application(database, scripted=False) as application:
        yield application


@pytest.fixture
async def scripted(database: LentDatabase) -> AsyncIterator[Application]:
    """An application whose provider remembers what it was asked."""
    async with open_application(database) as application:
        yield application


@pytest.fixture
async def buyer(database: LentDatabase) -> Person:
    return await make_user(database, NOW, credits_given=400)


async def answered(
    application: Application, buyer: Person, currency: str, address: str, **more: object
) -> tuple[int, dict[str, Any]]:
    question = {"assessment_type": "address", "currency": currency, "address": address, **more}
    response = await ask(application, CREATE_OWN, question, buyer)
    return response.status_code, response.json()


async def test_listed_account_is_found_in_every_form_that_its_standard_defines(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    currencies = (
        *("DOT", "ZEC", "ZEC", "ZEC", "ETH", "INJ", "HBAR", "STRK", "AEON", "XMR", "XRP", "XLM"),
        *("BCH", "BCH", "USDT", "TON", "ADA", "USDC", "BTC"),
    )
    cases = list(zip(currencies, PUBLISHED, strict=True))
    await import_rows(database, [listed(forms[-1], currency) for currency, forms in cases])
    for currency, forms in cases:
        for form in forms:
            status, body = await answered(screening, buyer, currency, form, fresh=True)
            if status == 400:  # AEON.to's example is of a test network
                assert (currency, "test network" in body["detail"]) == ("AEON", True)
                continue
            assert (status, body["answer"]["risk_score"]) == (201, "1"), (currency, form)
            known = ("valid", "not_checkable") if currency in SUPPORTED else ("not_checked",)
            assert body["answer"]["address_form"] in known, (currency, form)


async def test_listed_account_of_several_spellings_is_one_question(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    await import_rows(database, [listed(VITALIK, "ETH")])
    for currency, chain in (("XMR", "monero"), ("LTC", "litecoin"), ("BTC", "bitcoin")):
        before = await balance_of(screening, buyer)
        forms = max(forms_of(chain, KEY), key=len)
        charged = [
            (await answered(screening, buyer, currency, form))[1]["charged"] for form in forms
        ]
        assert charged == [True, *[False] * (len(forms) - 1)]
        assert await balance_of(screening, buyer) == before - 1
    transaction = {"assessment_type": "transaction", "fresh": False}
    asked = [
        await answered(screening, buyer, ticker, address, tx_hash=tx_hash, **transaction)
        for ticker, address, tx_hash in (
            ("ETH", VITALIK, f"0x{TXID}"),
            ("eth", f"eth:{VITALIK}", TXID.upper()),
        )
    ]
    assert [body["charged"] for _, body in asked] == [True, False]
    both = [(await answered(screening, buyer, ticker, BITCOIN))[1] for ticker in ("BTC", "xbt")]
    assert [one["charged"] for one in both] == [True, False]


async def test_what_is_no_address_of_any_chain_of_a_token_is_refused_before_any_debit(
    scripted: Application, buyer: Person
) -> None:
    for currency in ("USDT", "USDC", "DAI", "BNB", "ARB", "ETC", "WBTC"):
        for address in (
            *("hello", "vitalik.eth", VITALIK[:-1], VITALIK * 2, VITALIK.replace("dA6", "Da6")),
            *(USDT_ON_TRON.lower(), f"{USDT_ON_TRON[:-1]}u", f"btc:{VITALIK}", f"sep:{VITALIK}"),
            *(f"0xa9059cbb{'0' * 24}{VITALIK[2:]}{'0' * 64}", f"0x{'0' * 24}{VITALIK[2:]}"),
            *(f"https://etherscan.io/address/{VITALIK}", f"eth:{USDT_ON_TRON}", "0x", "1"),
            *(f"eip155:11155111:{VITALIK}", f"tron:{VITALIK}", f"41{USDT_ON_TRON}"),
        ):
            status, body = await answered(scripted, buyer, currency, address)
            assert (status, body["code"]) == (400, "invalid_parameter"), (currency, address)
            assert body["detail"].startswith("address must be ")
            assert address not in body["detail"] or len(address) < 6
    assert await balance_of(scripted, buyer) == 400
    assert scripted.provider.asked == []


async def test_asset_that_a_list_names_is_asked_as_it_is_spelt_there_and_not_checked(
    screening: Application, buyer: Person, database: LentDatabase
) -> None:
    rows = {
        "BTG": "GJjz2Du9BoJQ3CPcoyVTHUJZSj62i1693U",
        "BSV": "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
        "XVG": "DGNLGsRA5qk7BhCkKFbHyGEKuCLxFDYpnf",
        "HYPE": VITALIK,
    }
    status, body = await answered(screening, buyer, "BTG", rows["BTG"])
    assert (status, body["detail"][:24]) == (400, "currency must be one of:")
    await import_rows(database, [listed(address, name) for name, address in rows.items()])
    screening.clock.advance(seconds=11)
    for name, address in rows.items():
        status, body = await answered(screening, buyer, name.lower(), address)
        assert (status, body["answer"]["risk_score"]) == (201, "1")
        assert body["answer"]["address_form"] == "not_checked"
        status, body = await answered(screening, buyer, name, f"{address}x")
        assert (status, body["answer"]["risk_score"]) == (201, "0")
    before = await balance_of(screening, buyer)
    for word in ("hello", "0x12", "1" * 40, "<script>alert(1)</script>", f"btc://{rows['BTG']}"):
        status, body = await answered(screening, buyer, "BTG", word)
        assert (status, body["code"]) == (400, "invalid_parameter"), word
    assert await balance_of(screening, buyer) == before
    for tx_hash, wanted in (
        *((TXID, 201), (f"0x{TXID}", 201), ("0.0.123@1700000000.000000001", 201)),
        *(("hello", 400), (TXID[:-1], 400), (rows["BTG"], 400), (VITALIK, 400)),
    ):
        transaction = {"assessment_type": "transaction", "tx_hash": tx_hash, "fresh": True}
        status, body = await answered(screening, buyer, "BTG", rows["BTG"], **transaction)
        assert status == wanted, (tx_hash, body)
    status, body = await answered(screening, buyer, "XYZ", rows["BTG"])
    assert status == 400
    assert "BTG" in body["detail"]


async def test_transaction_must_have_the_form_that_its_chain_gives_it(
    scripted: Application, buyer: Person
) -> None:
    base58 = (
        "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
    )
    solana = "So11111111111111111111111111111111111111112"
    stellar = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
    algorand = "7777777777777777777777777777777777777777777777777774MSJUVU"
    ton = "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF"
    assets: list[tuple[str, str, set[str]]] = [
        ("BTC", BITCOIN, {TXID, TXID.upper(), f"  {TXID} "}),
        ("ETH", VITALIK, {f"0x{TXID}", TXID}),
        ("USDT", VITALIK, {f"0x{TXID}", TXID}),
        ("TRX", USDT_ON_TRON, {TXID, f"0x{TXID}"}),
        ("USDT", USDT_ON_TRON, {TXID, f"0x{TXID}"}),
        ("SOL", solana, {base58}),
        ("USDC", solana, {base58}),
        ("XLM", stellar, {TXID}),
        ("USDC", stellar, {TXID}),
        ("ALGO", algorand, {"A" * 52}),
        ("TON", ton, {TXID, "Sl4eS6q4nzoyUYqIwxvIf2GPdmc+LMd6shJ7ev3tozs="}),
        ("XTZ", "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb", set()),
        (
            "DOT",
            "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
            {f"0x{TXID}", TXID, "12345678-2"},
        ),
    ]
    wrong = ("hello", TXID[:-1], f"{TXID}0", "0x12", f"https://mempool.space/tx/{TXID}", "0x")
    every = {TXID, f"0x{TXID}", base58, "A" * 52, "12345678-2"}
    asked = 0
    for currency, address, right in assets:
        for tx_hash in right | every | set(wrong):
            status, body = await answered(
                scripted,
                buyer,
                currency,
                address,
                assessment_type="transaction",
                tx_hash=tx_hash,
                fresh=True,
            )
            if tx_hash in right:
                assert status == 201, (currency, tx_hash, body)
                asked += 1
            else:
                assert status == 400, (currency, tx_hash)
                assert body["detail"].startswith("tx_hash must be ")
    assert await balance_of(scripted, buyer) == 400 - asked
    assert len(scripted.provider.asked) == asked


async def test_blanks_around_what_is_asked_are_trimmed_and_inside_refused(
    scripted: Application, buyer: Person
) -> None:
    for blank in (" ", "   ", "\u00a0", "\u3000"):
        status, body = await answered(
            scripted,
            buyer,
            f"{blank}BTC{blank}",
            f"{blank}{BITCOIN}{blank}",
            assessment_type="transaction",
            tx_hash=f"{TXID}{blank}",
            fresh=True,
        )
        assert (status, body["address"], body["currency"]) == (201, BITCOIN, "BTC")
        assert body["tx_hash"] == TXID
    for address in (f"{BITCOIN[:9]} {BITCOIN[9:]}", f"\u200b{BITCOIN}", f"\u202e{BITCOIN}", " "):
        status, body = await answered(scripted, buyer, "BTC", address)
        assert status == 400
        assert body["detail"].startswith("address must be a string of")


async def test_address_of_another_chain_than_the_vendors_token_is_not_asked_of_the_vendor(
    database: LentDatabase, buyer: Person
) -> None:
    settings = {"crystal_api_key": "key", "crystal_url": "http://127.0.0.1:9/"}
    async with open_application(
        database, scripted=False, risk_provider="crystal", **settings
    ) as alone:
        for currency, address in (
            ("USDT", USDT_ON_TRON),
            ("USDT", BITCOIN),
            ("USDT", f"bnb:{VITALIK}"),
            ("ETH", f"arb1:{VITALIK}"),
        ):
            status, body = await answered(alone, buyer, currency, address)
            assert (status, body["detail"]) == (
                400,
                "address must be of a chain that a provider answers for "
                f"(Crystal is asked about {currency} on ethereum alone)",
            )
    async with open_application(
        database, scripted=False, risk_provider="sanctions,crystal", **settings
    ) as both:
        status, body = await answered(both, buyer, "USDT", USDT_ON_TRON)
        assert status == 201
        said = {one["provider"]: one["reason"] for one in body["answer"]["opinions"]}
        assert said == {
            "sanctions": None,
            "crystal": "Crystal is asked about USDT on ethereum alone",
        }
    async with database.reading() as connection:
        asked = await connection.scalar(text("SELECT count(*) FROM assessments"))
    assert asked == 1
