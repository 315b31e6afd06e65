"""The ends of connections: servers on loopback, an authority that vouches for them, and a proxy between."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.egress import Allowlist, Connection, Private, Proxy, ProxyLimits, Rules, serving

HOST = "pages.example.org"
LOOPBACK = "127.0.0.1"
PATIENCE_S = 10.0
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Handler = Callable[[Reader, Writer], Awaitable[None]]


async def home(_name: str, _port: int) -> list[str]:
    """Whatever is asked for is on loopback."""
    return [LOOPBACK]


def rules(*ports: int, allowed: tuple[str, ...] = (HOST,), **more: object) -> Rules:
    """Rules that let `HOST` be reached at these ports of loopback."""
    private = Private.parse(",".join(f"{LOOPBACK}:{port}" for port in ports))
    return Rules(**{"allowlist": Allowlist.parse(allowed), "private": private, "resolve": home} | more)


@contextlib.asynccontextmanager
async def server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback: its port."""
    held: set[Writer] = set()

    async def handle(reader: Reader, writer: Writer) -> None:
        held.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await handler(reader, writer)
            writer.close()

    async with await asyncio.start_server(handle, LOOPBACK, 0, ssl=tls) as listening:
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            for writer in held:
                writer.transport.abort()


async def echo(reader: Reader, writer: Writer) -> None:
    """Say back what is heard, to its end."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def silent(reader: Reader, _writer: Writer) -> None:
    """Hear all and say nothing."""
    while await reader.read(65536):
        pass


@dataclass
class Way:
    """A proxy, and what it told of its connections."""

    port: int
    proxy: Proxy
    told: list[Connection] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def client(self, said: bytes = b"") -> AsyncIterator[tuple[Reader, Writer]]:
        """A connection to the proxy."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        writer.write(said)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def answer(self, said: bytes) -> bytes:
        """All that the proxy answers to something."""
        async with self.client(said) as (reader, _), asyncio.timeout(PATIENCE_S):
            return await reader.read(-1)

    async def end(self, count: int = 1) -> list[Connection]:
        """What was told, once there is so much of it."""
        await until(lambda: len(self.told) >= count)
        return self.told


@contextlib.asynccontextmanager
async def proxy(given: Rules, **limits: float) -> AsyncIterator[Way]:
    """A proxy on loopback."""
    listener = socket.create_server((LOOPBACK, 0), backlog=256)
    told: list[Connection] = []
    with listener:
        async with serving(listener, given, told.append, ProxyLimits(**limits)) as serves:
            yield Way(listener.getsockname()[1], serves, told)


def connect(host: str, port: int) -> bytes:
    """A request for a tunnel."""
    return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()


async def until(holds: Callable[[], bool]) -> None:
    """Come back once something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - the kernel, and callbacks of ours, set no event
            await asyncio.sleep(0.005)


def hello(name: str | None, *, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bytes:
    """The first message of a real TLS client."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.maximum_version = most
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


@dataclass(frozen=True)
class Trust:
    """Both sides of a throwaway authority."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@cache
def trust() -> Trust:
    """A certificate for `HOST` and loopback, and who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throwaway")])
    now = datetime.now(UTC)
    names = [x509.DNSName(HOST), x509.IPAddress(ip_address(LOOPBACK))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    serving_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder, "both.pem")
        file.write_bytes(private + pem)
        serving_side.load_cert_chain(file)
    return Trust(serving_side, ssl.create_default_context(cadata=pem.decode()))
