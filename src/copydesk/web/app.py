"""The app: every route, every limit, every policy, in one place."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import Depends, FastAPI

from copydesk.client.models import ErrorAnswer
from copydesk.web import (
    accounts,
    bots,
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
    module.router for module in (sign_in, setup, users, webhook, bots, accounts, subscriptions, history, status)
)

_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorAnswer} for code in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}


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
    for room in _ROOMS:
        app.include_router(room)
    errors.install(app)
    app.add_middleware(BodyLimit)
    policy.check_complete(app, _ROOMS)
    return app
