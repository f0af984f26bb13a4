"""The simulator under the real exchange's host names: a certificate of the test's own, and a resolver that leads everything here."""

import contextlib
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import aiohttp
import ccxt.async_support as ccxt
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("fapi.binance.com", "api.binance.com", "fstream.binance.com", "ws-fapi.binance.com")


def make_certificate(folder):
    """One PEM file with key and certificate for the real host names and for loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback test")])
    names = [*(x509.DNSName(host) for host in HOSTS), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "loopback.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return file


class Loopback(AbstractResolver):
    def __init__(self, port):
        self.port = port

    async def resolve(self, host, port=0, family=socket.AF_INET):
        found = {"hostname": host, "host": "127.0.0.1", "port": self.port, "family": socket.AF_INET}
        return [{**found, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    async def close(self):
        pass


@contextlib.asynccontextmanager
async def trusting_session(file, port):
    context = ssl.create_default_context(cafile=str(file))
    connector = aiohttp.TCPConnector(resolver=Loopback(port), ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


class Recording(ccxt.binanceusdm):
    """ccxt as it is, on the venue's own time; it notes status and body of the answer it judges."""

    def __init__(self, venue, session, key="alice"):
        super().__init__(
            {
                "apiKey": key,
                "secret": f"{key}-secret",
                "session": session,
                "own_session": False,
                "enableRateLimit": False,
            }
        )
        self.venue = venue
        self.seen = None

    def nonce(self):
        return self.venue.now_ms()

    def handle_errors(self, code, reason, url, method, headers, body, response, request_headers, request_body):
        self.seen = (code, response, dict(headers))
        return super().handle_errors(code, reason, url, method, headers, body, response, request_headers, request_body)
