"""The app: every route, every limit, every policy, in one place."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.middleware.errors import ServerErrorMiddleware

from copydesk.web import (
    accounts,
    agents,
    backtests,
    bots,
    breaker,
    broadcast,
    errors,
    history,
    leaderboard,
    notifications,
    operations,
    overview,
    pages,
    policy,
    previews,
    results,
    setup,
    sign_in,
    status,
    strategies,
    subscriptions,
    terminals,
    users,
    webhook,
)
from copydesk.web.description import TAGS, describe, operation_id
from copydesk.web.hub import Hub
from copydesk.web.limits import BodyLimit
from copydesk.web.live import Live
from copydesk.web.metrics import CountAnswers
from copydesk.web.shortcut import AlertsFirst, answer_alert

_ROOMS = tuple(
    module.router
    for module in (
        webhook,  # the busiest first: rooms are asked one after the other whose a request is
        sign_in,
        setup,
        users,
        notifications,
        broadcast,
        terminals,
        leaderboard,  # before the bots: "results" is not the id of one
        bots,
        accounts,
        results,
        previews,
        subscriptions,
        strategies,
        backtests,
        breaker,
        history,
        operations,
        overview,
        status,
        pages,
    )
)


def build_app(hub: Hub, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]], version: str) -> FastAPI:
    """Raise where a route has no policy."""
    live = Live(hub)

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app), live.running():
            yield

    app = AlertsFirst(
        title="copydesk",
        version=version,
        summary="A self-hosted copy-trading desk: one signal in, every follower's own order out.",
        lifespan=living,
        dependencies=[Depends(policy.enforce)],
        openapi_tags=TAGS,
        generate_unique_id_function=operation_id,
        docs_url=None,
        redoc_url=None,
    )
    app.state.hub = hub
    app.state.live = live
    describe(app)
    for room in _ROOMS:
        app.include_router(room)
    app.router.routes += [agents.route, live.route]
    errors.install(app)
    routes = frozenset(path for _, path in policy.POLICIES)
    app.add_middleware(BodyLimit)
    app.add_middleware(CountAnswers, routes=routes)
    within_limits = CountAnswers(BodyLimit(answer_alert), routes)
    app.alerts = ServerErrorMiddleware(within_limits, errors.unexpected)
    policy.check_complete(app, _ROOMS)
    return app
