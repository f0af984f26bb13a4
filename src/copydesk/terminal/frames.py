"""What parent and child say to one another on the child's pipes: a length of four bytes, then msgpack."""

import struct
from typing import Any

import msgspec
from msgspec import Struct

LENGTH = struct.Struct(">I")
FRAME_BYTES_MAX = 64 * 1024 * 1024
"""A history of a hundred thousand deals is 20 MB; anything longer is no frame of ours."""

GREETING = 0
"""The number of the child's first frame, which nobody asked for: it is ready, or why it is not."""

PACKAGE_MISSING = -20_001
STOPPED_ANSWERING = -20_002
CHILD_ENDED = -20_003
REQUEST_REFUSED = -20_004
ACCOUNT_CHANGED = -20_005
NOT_ASKED = -20_006
"""Codes of our own, below all of the package's."""

INVALID_PARAMS, NO_CONNECTION, INITIALIZE_FAILED = -2, -10_004, -10_003


_NOTHING_SENT = frozenset(
    {INVALID_PARAMS, NO_CONNECTION, INITIALIZE_FAILED, PACKAGE_MISSING, REQUEST_REFUSED, ACCOUNT_CHANGED, NOT_ASKED}
)


class Call(Struct, frozen=True, array_like=True):
    """One question to the package."""

    number: int
    name: str
    arguments: tuple[Any, ...] = ()


class Failed(Struct, frozen=True, array_like=True):
    """The package said None or False, with what `last_error` told; or it did not answer at all."""

    code: int
    text: str

    @property
    def nothing_was_sent(self) -> bool:
        """Only where it is certain that the terminal never got the call. Everything else may have happened."""
        return self.code in _NOTHING_SENT

    def __str__(self) -> str:
        return f"{self.text} ({self.code})"


class Answered(Struct, frozen=True, array_like=True):
    """The answer to the call with the same number: a value, or why there is none."""

    number: int
    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    failure: Failed | None = None


def pack(message: Call | Answered) -> bytes:
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body


def frame_length(head: bytes) -> int:
    """Raise ValueError for what cannot be one of ours: somebody wrote to the pipe beside us."""
    length: int = LENGTH.unpack(head)[0]
    if length > FRAME_BYTES_MAX:
        raise ValueError(f"a frame of {length} bytes")
    return length
