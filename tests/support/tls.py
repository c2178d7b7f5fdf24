"""TLS before a test's PostgreSQL: certificates made for the test, and who answers with them.

The PostgreSQL that the tests bring along was built without TLS. What ends it here stands where a
balancer does: it answers PostgreSQL's SSLRequest (Frontend/Backend Protocol, "SSL Session
Encryption"), and hands the rest on.
"""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Length 8, then the number of an SSLRequest.
_SSL_REQUEST: Final = (8).to_bytes(4) + (80_877_103).to_bytes(4)
_CHUNK_BYTES: Final = 65_536
_DAY: Final = timedelta(days=1)


class Authority:
    """A certificate authority that keeps its files, and those it makes, in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))
        self.root = folder / f"{name}.pem"
        self.root.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, password: str | None = None) -> tuple[Path, Path]:
        """Make a certificate for a host or a user; return its file and that of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = self._sign(subject, key, x509.SubjectAlternativeName([x509.DNSName(name)]))
        certificate = self._folder / f"{name}.crt"
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        private = self._folder / f"{name}.key"
        private.touch(mode=0o600)
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password.encode())
                if password
                else serialization.NoEncryption(),
            )
        )
        return certificate, private

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(extension, critical=False)
            .sign(self._key, hashes.SHA256())
        )


class TlsEnd:
    """Takes connections for a PostgreSQL, with TLS for who asks for it; notes whether each did."""

    def __init__(self, socket: str, certificate: Path, key: Path) -> None:
        self._socket = socket
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self.encrypted: list[bool] = []

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        """Listen beside the body, by IPv4 and IPv6, on this machine alone."""
        server = await asyncio.start_server(self._serve, ["127.0.0.1", "::1"], port)
        yield
        server.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            begun = await reader.readexactly(len(_SSL_REQUEST))
            wanted = begun == _SSL_REQUEST
            if wanted:
                writer.write(b"S")
                await writer.start_tls(self._context)
            self.encrypted.append(wanted)
            theirs, ours = await asyncio.open_unix_connection(self._socket)
            ours.write(b"" if wanted else begun)
            await asyncio.gather(_hand_on(reader, ours), _hand_on(theirs, writer))
        writer.close()


async def _hand_on(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(_CHUNK_BYTES):
            writer.write(part)
            await writer.drain()
    writer.close()
