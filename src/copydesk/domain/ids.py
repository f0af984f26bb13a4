"""Identities: one NewType a thing, each a 26-character ULID that sorts by time of making."""

import secrets
import threading
from datetime import datetime
from typing import NewType

UserId = NewType("UserId", str)
BotId = NewType("BotId", str)
AccountId = NewType("AccountId", str)
SubscriptionId = NewType("SubscriptionId", str)
SignalId = NewType("SignalId", str)
ExecutionId = NewType("ExecutionId", str)

CLIENT_ORDER_PREFIX = "cd-"
"""Marks an order at a venue as ours; with a ULID it makes 29 characters, which even an MT5 comment holds."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
_LENGTH = 26


_newest = {"number": 0}
"""Ids of one process keep the order they were made in, within a millisecond too."""

_making = threading.Lock()


def new_id(at: datetime) -> str:
    """A lower-case ULID: 48 bits of milliseconds, 80 random bits, base 32 (Crockford)."""
    milliseconds = int(at.timestamp() * 1000)
    with _making:
        number = (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
        if _newest["number"] >> _RANDOM_BITS == milliseconds:
            number = max(number, _newest["number"] + 1)
        _newest["number"] = number
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def client_order_id(execution_id: ExecutionId, attempt: int) -> str:
    """The id the venue stores for us; a second attempt (closes only) carries its number."""
    suffix = f"-{attempt}" if attempt > 1 else ""
    return f"{CLIENT_ORDER_PREFIX}{execution_id}{suffix}"
