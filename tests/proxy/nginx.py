"""A real nginx with the configuration of docs/operations/nginx.conf, before a served Assay."""

import asyncio
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.support.printed_blocks import ROOT
from tests.support.processes import free_port
from tests.support.tls import Authority

SAMPLE: Final = ROOT / "docs/operations/nginx.conf"
NAME: Final = "assay.example.com"
# Debian keeps it where only root looks.
_PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
_START_SECONDS: Final = 20
_POLL_SECONDS: Final = 0.02
# What stands around the sample, all in a folder of the test: the machine's own sites are not read.
_AROUND: Final = """\
daemon off;
{user}pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/assay.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """Where it listens, and whose certificate it shows."""

    https_port: int
    http_port: int
    root: Path

    @property
    def access_log(self) -> Path:
        """Where it writes each request, as an nginx does that was told nothing else."""
        return self.root.parent / "access.log"

    def client(self, address: str) -> httpx.AsyncClient:
        """Return a client with an address of its own on this machine."""
        context = ssl.create_default_context(cafile=str(self.root))
        transport = httpx.AsyncHTTPTransport(verify=context, local_address=address)
        return httpx.AsyncClient(
            transport=transport, base_url=f"https://127.0.0.1:{self.https_port}", timeout=20
        )


def sample_for(base_url: str, nginx: Nginx, certificate: Path, key: Path) -> str:
    """Return the sample with a test's ports and files; each of them must be in it."""
    sample = SAMPLE.read_text()
    for printed, ours in (
        ("server 127.0.0.1:8000 ", f"server {base_url.removeprefix('http://')} "),
        ("listen 80;", f"listen 127.0.0.1:{nginx.http_port};"),
        ("    listen [::]:80;\n", ""),
        ("listen 443 ", f"listen 127.0.0.1:{nginx.https_port} "),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("/etc/nginx/tls/assay.crt", str(certificate)),
        ("/etc/nginx/tls/assay.key", str(key)),
    ):
        assert sample.count(printed) == 1, printed
        sample = sample.replace(printed, ours)
    return sample


@asynccontextmanager
async def open_nginx(base_url: str) -> AsyncIterator[Nginx]:
    """Run nginx before a server, beside the body; it must find nothing wrong with the sample."""
    program = shutil.which("nginx", path=_PATH)
    assert program is not None, "needs nginx (Debian's package of that name)"
    folder = Path(tempfile.mkdtemp(prefix="assay-nginx-"))
    authority = Authority(folder, "authority")
    nginx = Nginx(free_port(), free_port(), authority.root)
    certificate, key = authority.issue(NAME)
    (folder / "assay.conf").write_text(sample_for(base_url, nginx, certificate, key))
    user = "user root;\n" if os.geteuid() == 0 else ""  # the folder is closed to all others
    (folder / "nginx.conf").write_text(_AROUND.format(folder=folder, user=user))
    process = _start([program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not await _listens(nginx.https_port):
                assert process.poll() is None, (folder / "error.log").read_text()
                await asyncio.sleep(_POLL_SECONDS)
        yield nginx
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(folder)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start nginx, once `nginx -t` has found nothing."""
    checked = subprocess.run(  # noqa: S603
        [*command, "-t"], capture_output=True, check=False, text=True, timeout=_START_SECONDS
    )
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr, checked.stderr
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
