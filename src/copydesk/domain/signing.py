"""Signatures of REST signals: v1 (Standard Webhooks, a secret of its own) and v0 (the bearer token is the key). Pure.

v1 signs `id.seconds.body` over the bytes as they are; v0 signs `milliseconds.` and the body's JSON written again: keys
sorted, no blanks, ASCII. A v0 key is in every request, so it proves only that nothing was altered on the way.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from standardwebhooks import Webhook

TOLERANCE = timedelta(seconds=60)
"""How far a signer's clock may be off. Standard Webhooks allows five minutes; a price is old after one."""

V1_PREFIX = "whsec_"
V1_SECRET_BYTES = 32


class Signed(Struct, frozen=True, kw_only=True):
    """A signature whose sums are right: when it was made, and what makes it recognisable when it comes again."""

    at: datetime
    identity: str


def sign_v1(secret: str, *, message_id: str, seconds: int, body: bytes) -> str:
    """The `webhook-signature` header. Raise ValueError where the body is not UTF-8 text."""
    # The library's own `verify` reads the machine's clock; here time is an argument.
    return Webhook(secret).sign(message_id, datetime.fromtimestamp(seconds, UTC), body.decode())


def verify_v1(secrets: Iterable[str], *, message_id: str, timestamp: str, signature: str, body: bytes) -> Signed | None:
    """None where no secret made any of the signatures in the header (parted by blanks)."""
    seconds = _whole_number(timestamp)
    if seconds is None or not message_id:
        return None
    shown = [one.encode() for one in signature.split(" ")]
    try:
        right = [sign_v1(secret, message_id=message_id, seconds=seconds, body=body).encode() for secret in secrets]
    except ValueError:
        return None
    fits = [hmac.compare_digest(one, expected) for one in shown for expected in right]
    return Signed(at=datetime.fromtimestamp(seconds, UTC), identity=f"v1:{message_id}") if any(fits) else None


def canonical_v0(timestamp: str, payload: Any) -> str:
    """What v0 signs. Raise ValueError for NaN and infinity."""
    return f"{timestamp}.{json.dumps(payload, sort_keys=True, separators=(',', ':'), allow_nan=False)}"


def sign_v0(token: str, timestamp: str, payload: Any) -> str:
    """The `X-Signature` header: lower-case hex."""
    return hmac.new(token.encode(), canonical_v0(timestamp, payload).encode(), hashlib.sha256).hexdigest()


def verify_v0(token: str, *, timestamp: str, signature: str, payload: Any) -> Signed | None:
    """`payload` is the body as JSON has it, before any model; None where the signature does not fit."""
    milliseconds = _whole_number(timestamp)
    if milliseconds is None:
        return None
    try:
        right = sign_v0(token, timestamp, payload)
    except ValueError:
        return None
    if not hmac.compare_digest(signature.encode(), right.encode()):
        return None
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    return Signed(at=at, identity=f"v0:{right}")


def _whole_number(text: str) -> int | None:
    """Seconds or milliseconds of a plausible age: anything longer is no time."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("1735689600000") else None
