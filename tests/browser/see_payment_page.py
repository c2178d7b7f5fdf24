"""The payment page in a real browser beside `assay dev`, as `./run browser` drives it: in both coins.

Each state of the sandbox is brought about by the commands of docs/sandbox.md, and the open page must
follow by itself. Screenshots stay in `.browser/`.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from app.cli.demo import Coin
from tests.browser.axe import axe_script, faults_found
from tests.browser.chromium import Chromium, open_chromium
from tests.journey.buyer import IN_COIN, Buyer
from tests.support.processes import Process, free_port

_FOLDER: Final = Path(__file__).parents[2] / ".browser"
_WIDTHS: Final = {320: 700, 390: 844, 1280: 900}
_COLOURS: Final = ("light", "dark")
_PATIENCE_SECONDS: Final = 60.0
_SHOP: Final = "https://shop.example.com"
_STATE: Final = "return document.getElementById('part-state').dataset.state"
_WIDER_THAN_THE_SCREEN: Final = "return document.documentElement.scrollWidth - window.innerWidth"
_SEEN: Final = """
    const all = selector => [...document.querySelectorAll(selector)];
    const text = selector => all(selector).map(each => each.textContent.trim());
    return {
        title: document.title,
        headline: text('#part-state h2')[0],
        steps: all('.steps li').map(each => each.className),
        step: text('[aria-current=step]')[0] ?? null,
        amount: text('#amount')[0] ?? null,
        address: text('#address')[0] ?? null,
        link: all('a.wallet').map(each => each.href)[0] ?? null,
        left: text('#left')[0] ?? null,
        buttons: all('button').filter(each => !each.hidden).length,
        receipt: text('#part-receipt dd'),
        scripts: all('script').map(each => each.getAttribute('src')),
        styles: all('[style], style').length,
    };
"""
# How each coin is led to its credits, and what the page shows after each step.
_JOURNEYS: Final[dict[Coin, list[tuple[tuple[str, ...], str]]]] = {
    Coin.AEON: [
        ((), "waiting"),
        (("pay", "ORDER", "--part", "0.1"), "part_paid"),
        (("pay", "ORDER"), "confirming"),
        (("confirm", "ORDER"), "paid"),
        (("send", "ORDER"), "credited"),
    ],
    Coin.BTC: [
        ((), "waiting"),
        (("pay", "ORDER", "--part", "0.002"), "part_paid"),
        (("pay", "ORDER"), "seen"),
        (("mine",), "confirming"),
        (("mine",), "credited"),
    ],
}
_STEPS: Final = {
    "waiting": "current coming coming coming",
    "part_paid": "current coming coming coming",
    "seen": "done current coming coming",
    "confirming": "done done current coming",
    "paid": "done done done current",
    "credited": "done done done done",
}


class Dev:
    """An `assay dev` in which nothing happens by itself, and a buyer beside it."""

    def __init__(self, folder: Path) -> None:
        """Take a folder that nobody else has."""
        self._port, self._folder = str(free_port()), folder
        self.url = f"http://127.0.0.1:{self._port}"
        self._settings = {
            "ASSAY_PORT": self._port,
            "ASSAY_AEONTO_RATE_SCALE": "100",
            "ASSAY_PAYMENT_PAGE_RETURN_ORIGINS": _SHOP,
        }
        self.process = Process("dev", folder=folder, **self._settings)
        self._buyer = Buyer(self.url)

    async def start(self) -> None:
        """Start it, stop its automatic payer, and sign the buyer up."""
        self.process.start()
        await self.process.until_ready(f"{self.url}/readyz")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not (self._folder / ".assay/sandbox-url").exists():
                await asyncio.sleep(0.1)
        await self.sandbox("auto", "off")
        await self._buyer.sign_up()

    async def sandbox(self, *words: str) -> None:
        """Run a command of `assay sandbox`, which must succeed."""
        command = Process("sandbox", *words, folder=self._folder, **self._settings)
        command.start()
        assert await asyncio.to_thread(command.wait) == 0, command.output.read_text()

    async def order(self, coin: Coin) -> tuple[str, str]:
        """Place an order; return its id and the URL of its page."""
        wish = {"number_of_credits": 10, **IN_COIN[coin], "order_is_for_self": True}
        order_id = (await self._buyer.post("new_order", wish))["order_id"]
        link = await self._buyer.post(
            f"orders/{order_id}/payment_page", {"return_url": f"{_SHOP}/thanks"}
        )
        return order_id, link["url"]

    async def cancel(self, order_id: str) -> None:
        """Cancel an order by the API."""
        await self._buyer.post(f"orders/{order_id}/cancel", {})


@contextmanager
def _open_folder() -> Iterator[Path]:
    """Lend a folder that the user of the embedded server may enter."""
    with tempfile.TemporaryDirectory(prefix="assay-pages-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
async def dev() -> AsyncIterator[Dev]:
    """One `assay dev` for all tests of this module."""
    _FOLDER.mkdir(exist_ok=True)
    with _open_folder() as folder:
        dev = Dev(folder)
        await dev.start()
        yield dev
        dev.process.end()


@pytest.fixture
async def browser() -> AsyncIterator[Chromium]:
    async with open_chromium() as chromium:
        yield chromium


async def until(browser: Chromium, state: str) -> dict[str, Any]:
    """Wait until the open page shows a state; return what is seen."""
    shown = None
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (shown := await browser.run(_STATE)) != state:
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"the page shows {shown}, not {state}") from None
    seen: dict[str, Any] = await browser.run(_SEEN)
    return seen


async def look_at(browser: Chromium, name: str, axe: str) -> None:
    """Look at the open page on each screen in both colours: it fits, and keeps nobody out."""
    for width, height in _WIDTHS.items():
        for colours in _COLOURS:
            await browser.be_wide(width, height, mobile=width < 1000)
            await browser.prefer(colours)
            picture = await browser.screenshot()
            (_FOLDER / f"pay-{name}-{width}-{colours}.png").write_bytes(picture)
            place = f"{name}, {width} pixels, {colours}"
            assert await browser.run("return innerWidth") == width, place
            assert await browser.run(_WIDER_THAN_THE_SCREEN) == 0, place
            assert await faults_found(browser, axe) == [], place


@pytest.mark.parametrize("coin", Coin)
async def test_an_open_page_follows_the_whole_journey_by_itself(
    dev: Dev, browser: Chromium, coin: Coin
) -> None:
    axe = await asyncio.to_thread(axe_script)
    order_id, url = await dev.order(coin)
    await browser.open(url, {})
    await browser.run("window.stayed = true")

    for words, state in _JOURNEYS[coin]:
        if words:
            await dev.sandbox(*(order_id if word == "ORDER" else word for word in words))
        seen = await until(browser, state)
        await look_at(browser, f"{coin.lower()}-{state}", axe)

        assert seen["title"].startswith(seen["headline"])
        assert " ".join(seen["steps"]) == _STEPS[state]
        asks = state in ("waiting", "part_paid")
        assert (seen["amount"] is not None) is asks
        if asks:
            scheme = "bitcoin" if coin is Coin.BTC else "aeon"
            assert seen["link"].startswith(f"{scheme}:{seen['address']}?")
            assert seen["link"].endswith(f"amount={seen['amount']}")
            assert re.fullmatch(r"(\d:)?\d?\d:\d\d", seen["left"])
            assert seen["buttons"] == (4 if coin is Coin.AEON else 2)
        if state == "confirming" and coin is Coin.BTC:
            assert seen["step"] == "Confirming 1 of 2"
    assert seen["headline"] == "10 credits added"
    assert seen["receipt"][0] == order_id
    assert await browser.run("return window.stayed") is True, "the page was not loaded anew"
    assert await browser.complaints() == []
    await prints_a_receipt(browser, f"{coin.lower()}-receipt")


async def prints_a_receipt(browser: Chromium, name: str) -> None:
    """Print the open page: one sheet, with the receipt and without what is to be pressed."""
    pdf = await browser.pdf()
    (_FOLDER / f"pay-{name}.pdf").write_bytes(pdf)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert [(round(float(width)), round(float(height))) for width, height in boxes] == [(595, 842)]
    await browser.look_as_printed()
    (_FOLDER / f"pay-{name}.png").write_bytes(await browser.screenshot())
    shown = await browser.run(
        "return [...document.querySelectorAll('button, footer, .steps, .receipt')]"
        ".filter(each => each.getBoundingClientRect().height > 0).map(each => each.className)"
    )
    assert shown == ["receipt"]


async def test_what_goes_another_way_is_explained(dev: Dev, browser: Chromium) -> None:
    axe = await asyncio.to_thread(axe_script)
    replaced, replaced_url = await dev.order(Coin.BTC)
    await browser.open(replaced_url, {})
    await dev.sandbox("pay", replaced, "--excess", "0.001")
    await until(browser, "seen")
    assert "0.001 BTC more than asked for" in await browser.run("return document.body.innerText")
    await dev.sandbox("replace", replaced, "--elsewhere")
    await until(browser, "replaced")
    await look_at(browser, "btc-replaced", axe)

    for coin in Coin:
        expired, expired_url = await dev.order(coin)
        await browser.open(expired_url, {})
        await until(browser, "waiting")
        await dev.sandbox("expire", expired)
        await until(browser, "timed_out")
        await look_at(browser, f"{coin.lower()}-timed_out", axe)

    cancelled, cancelled_url = await dev.order(Coin.AEON)
    await browser.open(cancelled_url, {})
    await until(browser, "waiting")
    await dev.cancel(cancelled)
    await until(browser, "cancelled")
    await look_at(browser, "aeon-cancelled", axe)
    await browser.open(f"{dev.url}/pay/{'0' * 43}", {})
    await look_at(browser, "invalid", axe)


async def test_amount_and_address_are_copied_and_the_page_is_used_by_the_keyboard(
    dev: Dev, browser: Chromium
) -> None:
    _, url = await dev.order(Coin.AEON)
    await browser.be_wide(1280, 900, mobile=False)
    await browser.grant_clipboard(dev.url)
    await browser.open(url, {})
    seen = await until(browser, "waiting")

    reached = []
    for _ in range(5):
        await browser.press_tab()
        reached.append(
            await browser.run(
                "const at = document.activeElement, shape = getComputedStyle(at);"
                "return [at.getAttribute('aria-label') || at.textContent,"
                " parseFloat(shape.outlineWidth) >= 2 && shape.outlineStyle !== 'none']"
            )
        )
    assert reached == [
        ["Copy the amount", True],
        ["Copy the address", True],
        ["Open in a wallet", True],
        ["My wallet asks for a payment ID", True],
        ["Back to shop.example.com", True],
    ]
    for target in ("amount", "address"):
        await browser.run(f"document.querySelector('[data-copy={target}]').click()")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await browser.run("return document.getElementById('said').textContent") == "":
                await asyncio.sleep(0.05)
        assert await browser.run_and_wait("return navigator.clipboard.readText()") == seen[target]
        assert await browser.run("return document.getElementById('said').textContent") == "Copied"


async def test_a_page_without_scripts_shows_all_and_loads_itself_anew(
    dev: Dev, browser: Chromium
) -> None:
    _, url = await dev.order(Coin.BTC)
    await browser.be_wide(390, 844, mobile=True)
    await browser.run_scripts(whether=False)
    await browser.open(url, {})
    await browser.run_scripts(whether=True)  # of the driver's: those of the page did not run
    (_FOLDER / "pay-without-scripts.png").write_bytes(await browser.screenshot())

    seen = await browser.run(_SEEN)
    assert seen["headline"] == "Waiting for payment"
    assert seen["buttons"] == 0, "nothing is offered that does not work"
    assert re.fullmatch(r"(1:00:00|59:\d\d)", seen["left"])
    refresh = "return [...document.querySelectorAll('noscript meta')].map(each => each.content)"
    assert await browser.run(refresh) == ["15"]
    assert seen["styles"] == 0
    assert json.dumps(seen["scripts"]).count("static/pay.js?v=") == len(seen["scripts"]) == 1


async def test_a_page_says_that_it_has_no_contact_and_goes_on_when_it_has(
    dev: Dev, browser: Chromium
) -> None:
    _, url = await dev.order(Coin.BTC)
    await browser.open(url, {})
    await until(browser, "waiting")
    dev.process.end()
    await lost_is(browser, shown=True)

    dev.process.start()  # its automatic payer is on again
    await dev.process.until_ready(f"{dev.url}/readyz")

    await lost_is(browser, shown=False)
    await until(browser, "credited")


async def lost_is(browser: Chromium, *, shown: bool) -> None:
    """Wait until the page says that it has no contact, or does not."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while await browser.run("return document.getElementById('lost').hidden") is shown:
            await asyncio.sleep(0.2)
