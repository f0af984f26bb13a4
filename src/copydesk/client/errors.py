"""What the API says when it says no; one class a reason that a program acts on.

ApiError
├── SignInNeeded    401: not signed in, or no longer
├── NotAllowed      403: not for this role
├── Missing         404: no such thing, or not the caller's
├── Contradiction   409: it contradicts what is stored
├── NotUnderstood   422, 413: `fields` names each field and its problem; nothing is stored
├── Throttled       429: still, after all the waiting the API asked for
└── Unavailable     5xx: the desk is not well
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx


class ApiError(Exception):
    """`status`, `code` and `fields` (name → problem) are the API's own words."""

    def __init__(self, status: int, code: str, message: str, fields: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.fields = fields


class SignInNeeded(ApiError):
    """Not signed in, or no longer."""


class NotAllowed(ApiError):
    """Not for this role."""


class Missing(ApiError):
    """No such thing, or not the caller's."""


class Contradiction(ApiError):
    """It contradicts what is stored."""


class NotUnderstood(ApiError):
    """Nothing of it is stored."""


class Throttled(ApiError):
    """Too many requests, still."""


class Unavailable(ApiError):
    """The desk is not well; what a write did is known by reading."""


_KINDS = {
    401: SignInNeeded,
    403: NotAllowed,
    404: Missing,
    409: Contradiction,
    413: NotUnderstood,
    422: NotUnderstood,
    429: Throttled,
}


def read_error(answer: httpx.Response) -> ApiError:
    """Out of the API's own shape, or out of whatever stands in front of it."""
    kind = Unavailable if answer.is_server_error else _KINDS.get(answer.status_code, ApiError)
    try:
        error: Any = answer.json()["error"]
        if isinstance(error, str):
            return kind(answer.status_code, "not_well", error)
        problems = {one["field"]: one["problem"] for one in error["details"].get("fields", [])}
        return kind(answer.status_code, error["code"], error["message"], problems)
    except (ValueError, KeyError, TypeError, AttributeError):
        return kind(answer.status_code, "http_error", f"HTTP {answer.status_code}")


_STATUSES = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_many_requests": 429,
    "store_unavailable": 503,
    "venue_unavailable": 503,
    "elsewhere": 503,
    "internal_error": 500,
}


def error_of_answer(told: Mapping[str, Any]) -> ApiError:
    """Out of a callback of the live API: what is not on the list is a wish that was not understood."""
    status = _STATUSES.get(told["code"], 422)
    problems = {one["field"]: one["problem"] for one in told["details"].get("fields", [])}
    return _KINDS.get(status, Unavailable)(status, told["code"], told["message"], problems)
