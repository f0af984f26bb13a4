"""Who is at the other end: the address that a trusted proxy saw, and whether alerts may come from there.

A header counts only if a trusted proxy sent it. Anybody else is judged by the address of their own connection.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cryptography.x509 import Name, NameOID
from starlette.requests import HTTPConnection

TRADINGVIEW = ("52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7")
"""As TradingView's help says (solution 43000529348, read November 2026); IPv4 only."""

CERTIFIED_NAME = "TradingView Webhooks"
"""The common name of the certificate that its webhook servers show (solution 43000680459)."""

VERIFIED = "SUCCESS"
"""nginx's word for a certificate whose chain leads to a CA it was told to trust."""

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks; `tradingview` stands for TradingView's own."""
    told = (TRADINGVIEW if text == "tradingview" else (text,) for text in texts)
    return tuple(ip_network(one, strict=False) for each in told for one in each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """Empty, it lets everybody speak and believes no header."""

    trusted_proxies: tuple[Network, ...] = ()
    allowed: tuple[Network, ...] = ()
    certificate_header: str | None = None

    def address(self, request: HTTPConnection) -> str:
        """Where the request comes from: behind trusted proxies, the first address that is none of them."""
        peer = _peer(request)
        if peer is None:
            return "unknown"
        return str(self._behind(request, peer))

    def objection(self, request: HTTPConnection) -> str | None:
        """Why an alert may not come from there, for the log; None where it may."""
        if not self.allowed and self.certificate_header is None:
            return None
        peer = _peer(request)
        if self.allowed:
            address = None if peer is None else self._behind(request, peer)
            if address is None or not _within(address, self.allowed):
                return f"{address or 'an unknown address'} is not among webhook_sources"
        if self.certificate_header is not None:
            if peer is None or not _within(peer, self.trusted_proxies):
                return f"{self.certificate_header} did not come from a trusted proxy"
            return _doubt(request.headers.getlist(self.certificate_header))
        return None

    def _behind(self, request: HTTPConnection, peer: Address) -> Address:
        hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        address = peer
        while _within(address, self.trusted_proxies) and hops:
            told = _address(hops.pop())
            if told is None:
                break
            address = told
        return address


def _peer(request: HTTPConnection) -> Address | None:
    return None if request.client is None else _address(request.client.host)


def _address(text: str) -> Address | None:
    """With or without a port; IPv4 inside IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, allowed: Iterable[Network]) -> bool:
    return any(address in network for network in allowed)


def _doubt(told: list[str]) -> str | None:
    """`SUCCESS CN=TradingView Webhooks,O=…`: what the proxy found, and whose certificate it is (RFC 4514)."""
    if len(told) != 1:
        return "the proxy said nothing of a client certificate"
    verdict, _, subject = told[0].partition(" ")
    if verdict != VERIFIED:
        return f"the proxy could not verify a client certificate: {verdict[:80]}"
    try:
        names = Name.from_rfc4514_string(subject, {"emailAddress": NameOID.EMAIL_ADDRESS})
    except ValueError:
        return "the certificate's subject is not understood"
    if [one.value for one in names.get_attributes_for_oid(NameOID.COMMON_NAME)] != [CERTIFIED_NAME]:
        return "the certificate is somebody else's"
    return None
