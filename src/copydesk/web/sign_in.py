"""Sign in, renew, sign out."""

import json
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from copydesk.client.people import LogoutRequest, RefreshRequest, TokenAnswer
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.user import User, UserStatus
from copydesk.web.hub import Me, TheHub
from copydesk.web.refusals import refuses
from copydesk.web.tokens import Pair

router = APIRouter(tags=["sign-in"])

_WRONG = refuses(401, "username or password is wrong") | refuses(429, "too many failed sign-ins")
_EXPIRED = refuses(401, "the refresh token is not valid: sign in again")

TEXT_MAX = 200

_TEXT = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX, "pattern": r"^[^\x00]*$"}
_FORM = {
    "requestBody": {
        "required": True,
        "description": "As a form or as JSON",
        "content": {
            kind: {
                "schema": {
                    "type": "object",
                    "required": ["username", "password"],
                    "properties": {
                        "username": _TEXT,
                        "password": _TEXT | {"format": "password"},
                    },
                },
                "example": {"username": "ada", "password": "correct horse battery"},
            }
            for kind in ("application/x-www-form-urlencoded", "application/json")
        },
    },
}


@router.post("/token", openapi_extra=_FORM, responses=_WRONG, response_description="The tokens")
async def sign_in(request: Request, hub: TheHub) -> TokenAnswer:
    """Username and password, as a form or as JSON, for an access and a refresh token."""
    username, password = await _credentials(request)
    address = hub.senders.address(request)
    now = hub.clock.now()
    attempt = hub.limits.failures.begin(username, address, now)
    found = await hub.store.read(lambda tables: tables.users.by_name(username))
    fits = await hub.passwords.fits(None if found is None else found[1], password)
    if found is None or not fits or found[0].status is not UserStatus.ACTIVE:
        raise HTTPException(401, "username or password is wrong")
    hub.limits.failures.forgive(attempt)
    user = found[0]
    return _answer(user, await hub.tokens.hand_out(hub.store, user, now))


@router.post("/token/refresh", responses=_EXPIRED, response_description="New tokens; the old refresh token is used up")
async def renew(wanted: RefreshRequest, hub: TheHub) -> TokenAnswer:
    """A refresh token works once; using one again ends every session that came from it."""
    renewed = await hub.tokens.renew(hub.store, wanted.refresh_token, hub.clock.now())
    if renewed is None or renewed[0].status is not UserStatus.ACTIVE:
        raise HTTPException(401, "the refresh token is not valid: sign in again")
    return _answer(*renewed)


@router.post("/logout", status_code=204, response_description="Signed out")
async def sign_out(me: Me, hub: TheHub, wanted: LogoutRequest | None = None) -> Response:
    """End the session of the refresh token, or every session of the user."""
    refresh = None if wanted is None else wanted.refresh_token
    if refresh is None:
        await hub.store.write(lambda tables: tables.users.end_sessions(me.id))
    else:
        await hub.tokens.end(hub.store, refresh, hub.clock.now())
    return Response(status_code=204)


def _answer(user: User, pair: Pair) -> TokenAnswer:
    return TokenAnswer(access_token=pair.access, refresh_token=pair.refresh, expires_in=pair.expires_in, role=user.role)


async def _credentials(request: Request) -> tuple[str, str]:
    if request.headers.get("content-type", "").lower().startswith("application/json"):
        try:
            given: Any = json.loads((await request.body()).decode())
        except ValueError as error:
            raise InvalidInput("the body is not JSON", (FieldError("body", "not JSON"),)) from error
    else:
        given = await request.form()
    found = [given.get(name) if hasattr(given, "get") else None for name in ("username", "password")]
    problems = tuple(
        FieldError(name, f"a text of 1 to {TEXT_MAX} characters is needed")
        for name, value in zip(("username", "password"), found, strict=True)
        if not isinstance(value, str) or not 1 <= len(value) <= TEXT_MAX or not _is_text(value)
    )
    if problems:
        raise InvalidInput("username and password are needed, as a form or as JSON", problems)
    return str(found[0]), str(found[1])


def _is_text(value: str) -> bool:
    """Half surrogates and NUL are no text that could be stored or hashed."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
