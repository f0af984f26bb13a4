"""What an error of ccxt says about the order: its class is never asked, only what was sent and what came back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ccxt

from copydesk.domain.errors import CredentialsRefused, OrderRejected, OutcomeUnknown, VenueError, VenueUnavailable
from copydesk.venues.ccxt.capabilities import Capabilities
from copydesk.venues.once import never_connected

_SUCCESS = range(200, 300)
_TEXT_MAX = 300


@dataclass(slots=True)
class Heard:
    """The last answer of one call, as it came, and how many requests the call has made until now."""

    requests: int = 0
    status: int | None = None
    code: str | None = None
    text: str = ""
    retry_after_s: float | None = None

    def note(self, status: int, headers: Mapping[str, str] | None, body: str | None, answer: Any) -> None:
        self.status = status
        found = answer if isinstance(answer, dict) else _object(body)
        self.code = None if found.get("code") is None else str(found["code"])
        self.text = str(found.get("msg") or found.get("message") or body or "")[:_TEXT_MAX]
        wait = next((value for name, value in (headers or {}).items() if name.lower() == "retry-after"), "")
        self.retry_after_s = float(wait) if wait.isdigit() else None


def read_failure(error: BaseException, heard: Heard, known: Capabilities, *, sends: bool) -> VenueError:
    """For an order (`sends`) only a listed code, or nothing sent at all, is definite; a read may simply be repeated.

    Some exchanges take several requests for one order: that the last made no connection says nothing of the others.
    """
    if never_connected(error) and heard.requests <= 1:
        return VenueUnavailable(f"no connection to the exchange: {type(error).__name__}")
    if heard.requests == 0:
        return OrderRejected(f"ccxt sends no such request: {str(error)[:_TEXT_MAX]}")
    said = f"the exchange answered {heard.code or f'HTTP {heard.status}'}: {heard.text}"
    if heard.status is None or heard.code is None:
        return _without_code(error, heard, sends=sends)
    if heard.code in known.credentials:
        return CredentialsRefused(said, code=heard.code)
    if heard.code in known.throttled:
        return VenueUnavailable(said, code=heard.code, retry_after_s=heard.retry_after_s)
    if heard.code in known.definite and heard.text != known.duplicate:
        return OrderRejected(said, code=heard.code)
    if not sends and isinstance(error, ccxt.AuthenticationError):
        return CredentialsRefused(said, code=heard.code)
    return OutcomeUnknown(said, code=heard.code)


def _without_code(error: BaseException, heard: Heard, *, sends: bool) -> VenueError:
    what = "no answer in time" if isinstance(error, TimeoutError | ccxt.RequestTimeout) else type(error).__name__
    if not sends and isinstance(error, ccxt.AuthenticationError):
        return CredentialsRefused(heard.text or what)
    return OutcomeUnknown(f"the exchange: {what}" + (f" (HTTP {heard.status})" if heard.status else ""))


def _object(body: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(body or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
