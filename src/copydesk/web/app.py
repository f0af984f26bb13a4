"""The app: every route, every limit, every policy, in one place."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import Depends, FastAPI

from copydesk.client.models import ErrorAnswer
from copydesk.web import (
    accounts,
    bots,
    breaker,
    errors,
    history,
    policy,
    setup,
    sign_in,
    status,
    subscriptions,
    users,
    webhook,
)
from copydesk.web.hub import Hub
from copydesk.web.limits import BodyLimit

_ROOMS = tuple(
    module.router
    for module in (sign_in, setup, users, webhook, bots, accounts, subscriptions, breaker, history, status)
)

_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorAnswer} for code in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}


_SIGN_IN = {
    "type": "oauth2",
    "description": "POST /token with a username and password; then Authorization: Bearer …",
    "flows": {"password": {"tokenUrl": "/token", "refreshUrl": "/token/refresh", "scopes": {}}},
}


def _describe_sign_in(app: FastAPI) -> None:
    """So that /docs can sign in: every route that asks for a user says so."""
    plain_openapi = app.openapi

    def openapi() -> dict[str, Any]:
        schema = plain_openapi()
        schema.setdefault("components", {}).setdefault("securitySchemes", {})["sign_in"] = _SIGN_IN
        for path, methods in schema["paths"].items():
            for method, told in methods.items():
                if policy.POLICIES[method.upper(), path].roles:
                    told["security"] = [{"sign_in": []}]
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def build_app(hub: Hub, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]], version: str) -> FastAPI:
    """Raise where a route has no policy."""
    app = FastAPI(
        title="copydesk",
        version=version,
        summary="A self-hosted copy-trading desk: one signal in, every follower's own order out.",
        lifespan=lifespan,
        dependencies=[Depends(policy.enforce)],
        responses=_ERRORS,
        redoc_url=None,
    )
    app.state.hub = hub
    _describe_sign_in(app)
    for room in _ROOMS:
        app.include_router(room)
    errors.install(app)
    app.add_middleware(BodyLimit)
    policy.check_complete(app, _ROOMS)
    return app
