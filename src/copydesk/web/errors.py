"""Every error leaves in the contract's shape; no stack trace ever does."""

import math
import traceback
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from copydesk.domain.errors import (
    Conflict,
    CopydeskError,
    InvalidInput,
    LeaseLost,
    NotFound,
    StoreUnavailable,
    VenueError,
)
from copydesk.web.limits import TooMany
from copydesk.web.policy import methods_at

log = structlog.get_logger()

CODES = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "body_too_large",
    422: "invalid_input",
    429: "too_many_requests",
    503: "store_unavailable",
}


BROKEN_BODY = 400
"""What FastAPI raises for one; here everything that is not understood is a 422 that names the field."""

WRONG_METHOD = 405


def answer(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = {"error": {"code": code, "message": message, "details": dict(details or {})}}
    return JSONResponse(body, status, headers=dict(headers or {}))


async def refusal(request: Request, error: CopydeskError | HTTPException) -> JSONResponse:
    """What the app answers, for whoever does not go through it."""
    return await (_ours if isinstance(error, CopydeskError) else _http)(request, error)


def install(app: FastAPI) -> None:
    """Teach the app every error it may meet."""
    app.add_exception_handler(CopydeskError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, unexpected)


class Words(NamedTuple):
    """An error as it is told, by HTTP and by the live API."""

    status: int
    code: str
    message: str
    details: Mapping[str, Any] = MappingProxyType({})


def words_of(error: CopydeskError) -> Words:
    """What may be said of it; the log has the rest."""
    if isinstance(error, InvalidInput):
        fields = [{"field": one.field, "problem": one.problem} for one in error.fields]
        return Words(422, error.code, error.message, {"fields": fields})
    if isinstance(error, TooMany):
        return Words(429, CODES[429], str(error))
    if isinstance(error, NotFound):
        return Words(404, CODES[404], str(error))
    if isinstance(error, Conflict):
        return Words(409, CODES[409], str(error))
    if isinstance(error, StoreUnavailable):
        log.error("store unavailable", problem=str(error))
        return Words(503, CODES[503], "the database did not take it: nothing is stored, please try again")
    if isinstance(error, VenueError):
        return Words(503, "venue_unavailable", f"the venue did not do it: {error.text}")
    if isinstance(error, LeaseLost):
        return Words(503, "elsewhere", "another hub does the desk's work: ask that one")
    log.error("unexpected", error=type(error).__name__)
    return Words(500, "internal_error", "something went wrong here; the log tells what")


async def _ours(request: Request, error: Exception) -> JSONResponse:
    del request
    if not isinstance(error, CopydeskError):
        raise error
    headers = {"Retry-After": str(math.ceil(error.retry_after_s))} if isinstance(error, TooMany) else None
    return answer(*words_of(error), headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    fields = [{"field": _name(one["loc"]), "problem": _problem(request, one)} for one in problems]
    summary = "; ".join(f"{one['field']}: {one['problem']}" for one in fields)
    return answer(422, "invalid_input", summary or "the request is not understood", {"fields": fields})


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == BROKEN_BODY:
        problem = "this body cannot be read: it is not what its Content-Type says, in UTF-8"
        return answer(422, CODES[422], f"body: {problem}", {"fields": [{"field": "body", "problem": problem}]})
    if error.status_code == WRONG_METHOD:
        allowed = ", ".join(methods_at(request.url.path))
        return answer(405, CODES[405], f"{request.method} is not possible here: {allowed}", headers={"Allow": allowed})
    code = CODES.get(error.status_code, "http_error")
    return answer(error.status_code, code, str(error.detail), headers=error.headers)


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """Of what nobody foresaw the sender learns nothing."""
    log.error("request broke", path=request.url.path, error=type(error).__name__, where=_where(error))
    return answer(500, "internal_error", "something went wrong here; the log tells what")


def _where(error: Exception) -> str:
    """The innermost line; the error's own text may hold what somebody sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _problem(request: Request, found: Any) -> str:
    """A body of another type arrives as plain text, and "should be a dictionary" helps nobody."""
    kind = request.headers.get("content-type", "")
    if tuple(found["loc"]) == ("body",) and "json" not in kind.lower():
        return f"send a JSON object with Content-Type: application/json, not {kind[:60] or 'without a Content-Type'!r}"
    return str(found["msg"]).removeprefix("Value error, ")


def _name(place: tuple[str | int, ...]) -> str:
    """Where a value stands, without FastAPI's own first word (body, query, path)."""
    parts = [str(part) for part in place]
    return ".".join(parts[1:] or parts)
