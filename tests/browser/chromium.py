"""A headless Chromium, driven over HTTP: WebDriver as chromedriver speaks it (W3C WebDriver 2)."""

import asyncio
import base64
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from tests.support.processes import free_port

_START_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
# As root in a container there is neither a sandbox nor a large /dev/shm.
_ARGUMENTS: Final = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
_CAPABILITIES: Final = {
    "alwaysMatch": {
        "goog:chromeOptions": {"args": list(_ARGUMENTS)},
        "goog:loggingPrefs": {"browser": "ALL"},
    }
}
_ENLARGEMENT: Final = 2  # pixels of the screenshot per pixel of the page


class Chromium:
    """One window of the browser."""

    def __init__(self, http: httpx.AsyncClient, session_id: str) -> None:
        self._http = http
        self._path = f"/session/{session_id}"

    async def _post(self, command: str, body: dict[str, Any]) -> Any:  # noqa: ANN401  any JSON
        return _value(await self._http.post(f"{self._path}/{command}", json=body))

    async def _devtools(self, command: str, **parameters: object) -> Any:  # noqa: ANN401
        return await self._post("goog/cdp/execute", {"cmd": command, "params": parameters})

    async def be_wide(self, width: int, height: int, *, mobile: bool) -> None:
        """Show pages as a screen of so many pixels does."""
        await self._devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=_ENLARGEMENT,
            mobile=mobile,
        )

    async def prefer(self, colours: str) -> None:
        """Say that whoever looks prefers `light` or `dark` pages."""
        scheme = {"name": "prefers-color-scheme", "value": colours}
        await self._devtools("Emulation.setEmulatedMedia", features=[scheme])

    async def look_as_printed(self) -> None:
        """Show pages as paper does."""
        await self._devtools("Emulation.setEmulatedMedia", media="print")

    async def run_scripts(self, *, whether: bool) -> None:
        """Let pages run scripts, or not."""
        await self._devtools("Emulation.setScriptExecutionDisabled", value=not whether)

    async def press_tab(self) -> None:
        """Press the key that leads on to what can be used next."""
        key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        await self._devtools("Input.dispatchKeyEvent", type="keyDown", **key)
        await self._devtools("Input.dispatchKeyEvent", type="keyUp", **key)

    async def grant_clipboard(self, origin: str) -> None:
        """Let pages of an origin read and write the clipboard."""
        names = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        await self._devtools("Browser.grantPermissions", origin=origin, permissions=names)

    async def open(self, url: str, headers: dict[str, str]) -> None:
        """Go to a page, with these headers on every request, and wait until it is loaded."""
        await self._devtools("Network.enable")
        await self._devtools("Network.setExtraHTTPHeaders", headers=headers)
        await self._post("url", {"url": url})

    async def run(self, script: str) -> Any:  # noqa: ANN401  any JSON
        """Return what the body of a function returns in the page."""
        return await self._post("execute/sync", {"script": script, "args": []})

    async def run_and_wait(self, script: str) -> Any:  # noqa: ANN401  any JSON
        """Return what the body of an asynchronous function returns in the page."""
        wrapped = (
            f"const done = arguments[0]; (async () => {{{script}}})()"
            ".then(done, fault => done({fault: String(fault)}));"
        )
        return await self._post("execute/async", {"script": wrapped, "args": []})

    async def complaints(self) -> list[str]:
        """Return what the browser wrote to its console: what a policy forbade, what was missing."""
        return [entry["message"] for entry in await self._post("se/log", {"type": "browser"})]

    async def screenshot(self) -> bytes:
        """Return the whole page, also what lies below the fold, as a PNG."""
        shot = await self._devtools("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    async def pdf(self) -> bytes:
        """Return the page as it is printed, on the paper that its style asks for."""
        printed = await self._devtools("Page.printToPDF", preferCSSPageSize=True)
        return base64.b64decode(printed["data"])

    async def end(self) -> None:
        """Close the window."""
        _value(await self._http.delete(self._path))


def _value(answer: httpx.Response) -> Any:  # noqa: ANN401  any JSON
    value = answer.json()["value"]
    if answer.is_error:
        raise AssertionError(f"{value['error']}: {value['message']}")
    return value


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Chromium]:
    """Start chromedriver and one window; both end with the body."""
    port = free_port()
    driver = subprocess.Popen(  # noqa: ASYNC220, S603
        ["chromedriver", f"--port={port}"],  # noqa: S607  wherever Debian or another puts it
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=_ANSWER_SECONDS, trust_env=False
        ) as http:
            await _until_it_answers(http)
            body = {"capabilities": _CAPABILITIES}
            session = _value(await http.post("/session", json=body))
            browser = Chromium(http, session["sessionId"])
            try:
                yield browser
            finally:
                await browser.end()
    finally:
        driver.terminate()
        driver.wait(timeout=_START_SECONDS)


async def _until_it_answers(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                if _value(await http.get("/status"))["ready"]:
                    return
            except httpx.TransportError:
                await asyncio.sleep(_POLL_SECONDS)
