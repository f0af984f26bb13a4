"""The way in: key, signature, time, in this order (fact sheet §5.2). Signatures are checked over the bytes as received."""

import hashlib
import hmac
import re

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import refused, timestamp_ahead
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.rest.params import Params

_KEY = re.compile(r"[!-~]{1,128}")
_WINDOW_DEFAULT_MS = 5_000
_WINDOW_MAX_MS = 60_000
_AHEAD_MAX_MS = 1_000
_SIGNATURE = "signature="


def find_account(exchange: Exchange, api_key: str | None) -> Account:
    if api_key is None or not _KEY.fullmatch(api_key):
        raise refused(-2014)
    account = exchange.accounts.get(api_key)
    if account is None:
        raise refused(-2015)
    return account


def check_signature(account: Account, query: str, body: str) -> None:
    """Query and body joined by nothing, without the signature, in the order and spelling they came."""
    unsigned_query, from_query = _without_signature(query)
    unsigned_body, from_body = _without_signature(body)
    given = from_query or from_body
    if given is None:
        raise refused(-1102, "signature")
    payload = (unsigned_query + unsigned_body).encode("utf-8", "surrogateescape")
    expected = hmac.new(account.api_secret.encode(), payload, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.lower().encode("utf-8", "surrogateescape")):
        raise refused(-1022)


def check_time(params: Params, server_ms: int) -> None:
    window = params.integer("recvWindow")
    if window is None:
        window = _WINDOW_DEFAULT_MS
    if not 0 <= window <= _WINDOW_MAX_MS:
        raise refused(-1102, "recvWindow")
    sent = params.required_integer("timestamp")
    if sent >= server_ms + _AHEAD_MAX_MS:
        raise timestamp_ahead()
    if server_ms - sent > window:
        raise refused(-1021)


def _without_signature(raw: str) -> tuple[str, str | None]:
    if _SIGNATURE not in raw:
        return raw, None
    kept: list[str] = []
    found: str | None = None
    for piece in raw.split("&"):
        if piece.startswith(_SIGNATURE):
            found = piece[len(_SIGNATURE) :]
        else:
            kept.append(piece)
    return "&".join(kept), found
