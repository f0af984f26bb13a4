"""Identities: one NewType a thing, each a 26-character ULID that sorts by time of making."""

import itertools
import random
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
_SEQUENCE_BITS = 24
_RANDOM_BITS = 56
_LENGTH = 26
_TIME_LETTERS = 10
_TWO_LETTERS = [one + other for one in _ALPHABET for other in _ALPHABET]
"""By ten bits: half as many to look up."""

_sequence = itertools.count()
"""Ids of one process keep the order they were made in, within a millisecond too; counting is atomic."""


def new_id(at: datetime) -> str:
    """A lower-case ULID: 48 bits of milliseconds, 24 of a sequence, 56 random ones; base 32 (Crockford).

    The random part keeps processes apart (Python seeds it from the system, and again in a forked child); an id is a name, never a secret.
    """
    sequence, millisecond = next(_sequence) % (1 << _SEQUENCE_BITS), int(at.timestamp() * 1000)
    number = (millisecond << _SEQUENCE_BITS) | sequence
    number = (number << _RANDOM_BITS) | random.getrandbits(_RANDOM_BITS)
    return "".join([_TWO_LETTERS[(number >> shift) & 1023] for shift in range(5 * (_LENGTH - 2), -1, -10)])


def first_id(at: datetime) -> str:
    """Sorts before every id made from `at` on, and after those made before."""
    return new_id(at)[:_TIME_LETTERS] + "0" * (_LENGTH - _TIME_LETTERS)


def execution_of(client_id: str) -> ExecutionId:
    """Whose id it is that the venue stores for us: without the prefix and the number of the attempt."""
    return ExecutionId(client_id.removeprefix(CLIENT_ORDER_PREFIX).partition("-")[0])


def client_order_id(execution_id: ExecutionId, attempt: int) -> str:
    """The id the venue stores for us; a second attempt (closes only) carries its number."""
    suffix = f"-{attempt}" if attempt > 1 else ""
    return f"{CLIENT_ORDER_PREFIX}{execution_id}{suffix}"
