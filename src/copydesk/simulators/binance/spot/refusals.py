"""How spot says no: its own codes and texts (the venue's public errors.md), in the error the whole simulator raises."""

from collections.abc import Mapping

from copydesk.simulators.binance.exchange import errors
from copydesk.simulators.binance.exchange.errors import BAD, RefusedError

_TEXTS: Mapping[int, tuple[int, str]] = {
    -1003: (429, "Too much request weight used; current limit is %s request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."),
    -1008: (503, "Server is currently overloaded with other requests. Please try again in a few minutes."),
    -1013: (BAD, "Filter failure: %s"),
    -1100: (BAD, "Illegal characters found in parameter '%s'; legal range is '%s'."),
    -1104: (BAD, "Not all sent parameters were read; read '%s' parameter(s) but was sent '%s'."),
    -1111: (BAD, "Parameter '%s' has too much precision."),
    -1127: (BAD, "More than %s hours between startTime and endTime."),
    -1128: (BAD, "Combination of optional parameters invalid."),
    -1130: (BAD, "Data sent for parameter '%s' is not valid."),
    -1158: (BAD, "Order type not supported in OCO."),
    -2010: (BAD, "%s"),
    -2021: (409, "Order cancel-replace partially failed."),
    -2022: (BAD, "Order cancel-replace failed."),
    -2026: (BAD, "Order was canceled or expired with no executed qty over 90 days ago and has been archived."),
}  # fmt: skip

POOR = "Account has insufficient balance for requested action."
DUPLICATE = "Duplicate order sent."
WOULD_TAKE = "Order would immediately match and take."
WOULD_TRIGGER = "Order would trigger immediately."
NO_LIQUIDITY = "Order book liquidity is less than `LOT_SIZE` filter minimum quantity."
WRONG_PRICES = "The relationship of the prices for the orders is not correct."
NOT_CANCELED = "Order was not canceled due to cancel restrictions."

_BANNED = (
    "Way too much request weight used; IP banned until %s. Please use WebSocket Streams for live updates to avoid bans."
)


_SHARED_DOWN_TO = -2015  # what comes after these in the futures' list is about positions, leverage, algo orders
CODES = frozenset(_TEXTS) | {code for code in errors.CODES if code >= _SHARED_DOWN_TO}


def provoked(code: int, details: tuple[str, ...] = (), *, status: int | None = None) -> RefusedError:
    """One of CODES without its occasion, as in ``errors.provoked``."""
    return errors.provoked(code, details, status=status, texts=_TEXTS if code in _TEXTS else errors.TEXTS)


def refused(code: int, *details: object, retry_after_s: int | None = None) -> RefusedError:
    """In spot's own words where it has some, else in those it shares with the futures."""
    if code not in _TEXTS:
        return errors.refused(code, *details, retry_after_s=retry_after_s)
    status, text = _TEXTS[code]
    return RefusedError(code, text % details, status, retry_after_s=retry_after_s)


def invalid(what: str) -> RefusedError:
    """A price or quantity that is no price or quantity at all."""
    return RefusedError(-1013, f"Invalid {what}.", BAD)


def either_missing(first: str, second: str) -> RefusedError:
    return RefusedError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!", BAD)


def no_such_list() -> RefusedError:
    return RefusedError(-2013, "Order list does not exist.", BAD)


def not_canceled() -> RefusedError:
    return RefusedError(-2011, NOT_CANCELED, BAD)


def banned(until_ms: int, retry_after_s: int) -> RefusedError:
    return RefusedError(-1003, _BANNED % until_ms, 418, retry_after_s=retry_after_s)
