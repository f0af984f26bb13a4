"""What an error answer of Binance means for the order; a code that is not listed here is unknown.

Codes and texts: the published futures error page and docs/safety.md. ccxt's error classes are never asked: they
change with the host name, and ExchangeError covers truncated answers.
"""

import json
from collections.abc import Mapping

from copydesk.domain.errors import (
    CredentialsRefused,
    OrderRejected,
    OutcomeUnknown,
    RequestStale,
    VenueError,
    VenueUnavailable,
)

NOT_FOUND = frozenset({-2011, -2013})
"""An order that is not there (any more): -2011 answers a cancel, -2013 a query. Proves nothing about a send."""

ALREADY_SO = frozenset({-4046, -4059})
"""No need to change margin type / position side: what was asked for is the case."""

BLOCKED_BY_POSITION = frozenset({-4047, -4048, -4067, -4068})
"""Margin type or position side cannot change while orders or positions are open."""

NO_LISTEN_KEY = -1125
"""The key of the user-data stream is not there (any more)."""

_CREDENTIALS = frozenset({-1022, -2014, -2015})

TOO_MANY_REQUESTS = -1003
"""The address, not an account, has asked for too much."""

_TRY_LATER = frozenset({-1003, -1008, -1015})
"""Throttled before the order was looked at: nothing was placed."""

STALE = -1021
"""Outside of the recvWindow, or ahead of the venue's time: turned away before it was looked at."""

_REJECTED = frozenset(
    {
        *(-1102, -1106, -1111, -1115, -1116, -1117, -1121),
        *(-2010, -2018, -2019, -2020, -2021, -2022, -2025, -2027, -2028),
        *(-4001, -4002, -4003, -4004, -4005, -4013, -4014, -4015, -4016, -4023, -4024, -4028),
        *(-4045, -4047, -4048, -4061, -4067, -4068, -4118, -4120, -4131, -4164),
        *(-5000, -5021, -5022),
    },
)

_THROTTLED_STATUS = frozenset({418, 429})


def read_refusal(status: int, body: str, headers: Mapping[str, str]) -> VenueError:
    """The error of an answer that is not a success; the code in the body decides, never the HTTP status alone."""
    return refusal_of(status, *_code_and_text(body), _retry_after(headers))


def refusal_of(status: int, code: int | None, text: str, retry_after_s: float | None) -> VenueError:
    """The same of what was read already; `retry_after_s` is the venue's wish where it throttles."""
    what = f"Binance answered {code}: {text}" if code is not None else f"Binance answered HTTP {status}"
    if code in _CREDENTIALS:
        return CredentialsRefused(what, code=code)
    if code == STALE:
        return RequestStale(what, code=code)
    if code in _TRY_LATER or status in _THROTTLED_STATUS:
        return VenueUnavailable(what, code=code, retry_after_s=retry_after_s)
    if code in _REJECTED:
        return OrderRejected(what, code=code)
    return OutcomeUnknown(what, code=code)


def _code_and_text(body: str) -> tuple[int | None, str]:
    try:
        answer = json.loads(body)
    except ValueError:
        return None, ""
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), int):
        return None, ""
    return answer["code"], str(answer.get("msg", ""))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    return float(found) if found is not None and found.isdigit() else None
