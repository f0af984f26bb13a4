"""No message leads inside: while one is sent, its thread may connect to public addresses and to nothing else.

Looked at where the connection is made, so neither a redirect nor a name that changes its address gets past it.
"""

import ipaddress
import logging
import socket
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from apprise.utils.http import is_public_ip_address

_here = threading.local()

LINES_MAX = 5


class NotPublic(PermissionError):
    """A connection to an address that is not everybody's."""


def resolve(host: str) -> frozenset[str]:
    """Every address of a host. Raise OSError where it has none; a literal address is its own."""
    return frozenset(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))


def inside(addresses: Collection[str]) -> list[str]:
    """Those that are private, loopback, link-local or otherwise not public."""
    return sorted(one for one in addresses if not _is_public(one))


@contextmanager
def only_public(allowed: Collection[str]) -> Iterator[list[str]]:
    """Within, this thread connects to public addresses and to `allowed`; yields what Apprise complains about."""
    _watch_connections()
    lines: list[str] = []
    _here.allowed, _here.lines = frozenset(allowed), lines
    try:
        yield lines
    finally:
        _here.allowed = _here.lines = None


class _Complaints(logging.Handler):
    """Apprise tells in its log alone why something was not sent."""

    def emit(self, record: logging.LogRecord) -> None:
        lines: list[str] | None = getattr(_here, "lines", None)
        if lines is not None and len(lines) < LINES_MAX:
            lines.append(record.getMessage())


@cache
def keep_log_apart() -> None:
    """Apprise's lines may hold parts of an address: they go nowhere but into the answer, cleaned."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(_Complaints(logging.WARNING))


@cache
def _watch_connections() -> None:
    """With the first message: Python has no way to take a hook out again; other threads pass through it untouched."""
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto"}:
        return
    allowed: frozenset[str] | None = getattr(_here, "allowed", None)
    if allowed is None:
        return
    address = arguments[1]
    host = str(address[0]) if isinstance(address, tuple) else ""
    if not _is_known(host, allowed) and not _is_public(host):
        raise NotPublic(f"{host or 'a local socket'} is not a public address")


def _is_known(host: str, allowed: frozenset[str]) -> bool:
    try:
        return str(ipaddress.ip_address(host)) in allowed
    except ValueError:
        return False


def _is_public(address: str) -> bool:
    return bool(is_public_ip_address(address))  # type: ignore[no-untyped-call]
