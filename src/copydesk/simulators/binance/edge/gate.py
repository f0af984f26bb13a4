"""The way in: key, signature, time, in this order (fact sheet §5.2). Signatures are checked over the bytes as received."""

import hashlib
import hmac
import re
from base64 import b64decode
from binascii import Error as NotBase64Error
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from copydesk.simulators.binance.edge.asked import Asked
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import refused, timestamp_ahead
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.rest.params import Params

_KEY = re.compile(r"[!-~]{1,128}")
_WINDOW_DEFAULT_MS = 5_000
_WINDOW_MAX_MS = 60_000
_AHEAD_MAX_MS = 1_000
_PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----"


def find_account(exchange: Exchange, api_key: str | None) -> Account:
    if api_key is None or not _KEY.fullmatch(api_key):
        raise refused(-2014)
    account = exchange.accounts.get(api_key)
    if account is None:
        raise refused(-2015)
    return account


def check_signature(account: Account, asked: Asked) -> None:
    """HMAC by the account's secret, or Ed25519 and RSA where the account was opened with a public key in its place."""
    if asked.trusted:
        return
    given = asked.signature
    if given is None:
        raise refused(-1102, "signature")
    key = public_key(account)
    matches = _is_hmac if key is None else _is_signed
    if not any(matches(account, payload.encode("utf-8", "surrogateescape"), given) for payload in asked.payloads):
        raise refused(-1022)


def public_key(account: Account) -> Ed25519PublicKey | RSAPublicKey | None:
    """None: the account signs with a shared secret."""
    return _load(account.api_secret) if account.api_secret.lstrip().startswith(_PUBLIC_KEY) else None


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


@lru_cache(maxsize=1_024)
def _load(pem: str) -> Ed25519PublicKey | RSAPublicKey | None:
    try:
        key = load_pem_public_key(pem.strip().encode())
    except ValueError:
        return None
    return key if isinstance(key, Ed25519PublicKey | RSAPublicKey) else None


def _is_hmac(account: Account, payload: bytes, given: str) -> bool:
    expected = hmac.new(account.api_secret.encode(), payload, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.lower().encode("utf-8", "surrogateescape"))


def _is_signed(account: Account, payload: bytes, given: str) -> bool:
    try:
        signature = b64decode(given, validate=True)
        match public_key(account):
            case Ed25519PublicKey() as key:
                key.verify(signature, payload)
            case RSAPublicKey() as key:
                key.verify(signature, payload, PKCS1v15(), SHA256())
            case None:
                return False
    except (InvalidSignature, NotBase64Error, ValueError):
        return False
    return True
