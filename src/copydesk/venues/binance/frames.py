"""Frames of the WebSocket API, both ways: each request signed by itself, each answer by the request's number. Pure.

Source: the venue's "WebSocket API General Info" (authorize ad hoc requests) and fact sheet §1.9.
"""

import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from copydesk.domain.errors import VenueError
from copydesk.venues.binance.refusals import refusal_of

METHODS = {"order": "order.place", "algoOrder": "algoOrder.place"}
"""By the REST route that does the same. What is not urgent stays with REST: it must not wait behind orders, nor they behind it."""

_NUMBERS = frozenset({"timestamp", "recvWindow"})
"""Decimals are texts, as they were signed; these two are asked for as numbers."""

_SUCCESS = 200


class Limit(msgspec.Struct, rename="camel", frozen=True):
    """What the venue counts: requests' weight of the address, or orders of the account."""

    rate_limit_type: str
    interval: str
    interval_num: int
    count: int


class _Error(msgspec.Struct, frozen=True):
    code: int | None = None
    msg: str = ""
    data: Mapping[str, Any] | None = None


class Answer(msgspec.Struct, rename="camel", frozen=True):
    """An answer; without an `id` it is about a request that could not be read, and which one is not told."""

    status: int
    id: int | str | None = None
    result: Any = None
    error: _Error | None = None
    rate_limits: tuple[Limit, ...] = ()

    @property
    def is_success(self) -> bool:
        return self.status == _SUCCESS and self.error is None

    def refusal(self) -> VenueError | None:
        """What an answer that is no success says of the order; as read_refusal does of REST's."""
        if self.is_success:
            return None
        error = self.error or _Error()
        return refusal_of(self.status, error.code, error.msg, _retry_after_s(error.data))


read_answer = msgspec.json.Decoder(Answer).decode
"""Raise msgspec.DecodeError."""

_encode = msgspec.json.Encoder().encode


def write_request(number: int, method: str, params: Mapping[str, str], api_key: str, secret: bytes) -> bytes:
    """The signature covers every parameter, sorted by name; `params` bring their frozen timestamp."""
    asked: dict[str, str | int] = {**params, "apiKey": api_key}
    names, numbers = _order_of(tuple(asked))
    text = "&".join([f"{name}={asked[name]}" for name in names])
    for name in numbers:
        asked[name] = int(asked[name])
    # Not hmac.digest: it lets go of the interpreter at every order.
    asked["signature"] = hmac.new(secret, text.encode(), "sha256").hexdigest()
    return _encode({"id": number, "method": method, "params": asked})


@lru_cache(maxsize=64)
def _order_of(names: tuple[str, ...]) -> tuple[Sequence[str], Sequence[str]]:
    """As they are signed, and which of them are numbers: the same for every order of a kind."""
    return sorted(names), [name for name in names if name in _NUMBERS]


def _retry_after_s(data: Mapping[str, Any] | None) -> float | None:
    """Both are the venue's own time, in milliseconds."""
    told = data or {}
    until, now = told.get("retryAfter"), told.get("serverTime")
    if not isinstance(until, int | float) or not isinstance(now, int | float):
        return None
    return max(until - now, 0) / 1000
