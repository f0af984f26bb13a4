"""Who may do what: a route that is not in this table stops the start."""

import hmac
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Route, compile_path

from copydesk.domain.errors import FieldError, InvalidInput, NotFound
from copydesk.domain.user import Role, User, UserStatus
from copydesk.web.hub import of_request
from copydesk.web.limits import WEBHOOK_PREFIX


@dataclass(frozen=True, slots=True)
class Policy:
    """`roles` empty: everybody, signed in or not; `scraper`: also who shows the token of the metrics."""

    roles: frozenset[Role]
    scraper: bool = False


EVERYBODY = Policy(frozenset())
SIGNED_IN = Policy(frozenset(Role))
ADMIN = Policy(frozenset({Role.ADMIN}))
OPERATOR = Policy(frozenset({Role.ADMIN}), scraper=True)
PROVIDES = Policy(frozenset({Role.ADMIN, Role.PROVIDER}))
FOLLOWS = Policy(frozenset({Role.ADMIN, Role.FOLLOWER}))

POLICIES = {
    ("POST", "/token"): EVERYBODY,
    ("POST", "/token/refresh"): EVERYBODY,
    ("POST", "/logout"): SIGNED_IN,
    ("GET", "/setup/{token}"): EVERYBODY,
    ("POST", "/setup/{token}"): EVERYBODY,
    ("GET", "/users/me"): SIGNED_IN,
    ("GET", "/users/me/config"): SIGNED_IN,
    ("POST", "/users/config"): SIGNED_IN,
    ("GET", "/users/me/notifications"): SIGNED_IN,
    ("PUT", "/users/me/notifications"): SIGNED_IN,
    ("POST", "/users/me/notifications/test"): SIGNED_IN,
    ("POST", "/api/v1/users"): ADMIN,
    ("GET", "/api/v1/users"): ADMIN,
    ("GET", "/api/v1/users/{user_id}"): ADMIN,
    ("PATCH", "/api/v1/users/{user_id}"): ADMIN,
    ("POST", "/api/v1/bots"): PROVIDES,
    ("GET", "/api/v1/bots"): SIGNED_IN,
    ("GET", "/api/v1/bots/health"): EVERYBODY,
    ("GET", "/api/v1/bots/results"): SIGNED_IN,
    ("GET", "/api/v1/bots/{bot_id}"): SIGNED_IN,
    ("GET", "/api/v1/bots/{bot_id}/results"): SIGNED_IN,
    ("POST", "/api/v1/bots/{bot_id}/test-signal"): PROVIDES,
    ("PATCH", "/api/v1/bots/{bot_id}"): PROVIDES,
    ("DELETE", "/api/v1/bots/{bot_id}"): PROVIDES,
    ("POST", "/api/v1/bots/{bot_id}/rotate-secret"): PROVIDES,
    ("POST", "/api/v1/bots/{bot_id}/run"): PROVIDES,
    ("GET", "/api/v1/bots/{bot_id}/ruin-card"): PROVIDES,
    ("GET", "/api/v1/strategies"): SIGNED_IN,
    ("POST", "/api/v1/backtests"): PROVIDES,
    ("GET", "/api/v1/backtests"): PROVIDES,
    ("GET", "/api/v1/backtests/{backtest_id}"): PROVIDES,
    ("GET", "/api/v1/backtests/{backtest_id}/report"): PROVIDES,
    ("DELETE", "/api/v1/backtests/{backtest_id}"): PROVIDES,
    ("GET", "/api/status"): SIGNED_IN,
    ("GET", "/api/trades"): SIGNED_IN,
    ("GET", "/api/positions"): SIGNED_IN,
    ("GET", "/api/market-data"): SIGNED_IN,
    ("GET", "/api/analysis"): SIGNED_IN,
    ("POST", "/api/v1/bots/webhook/master/{path}"): EVERYBODY,  # the alert's own secret decides
    ("POST", "/signal/broadcast"): PROVIDES,  # and a signature
    ("POST", "/signal/close"): PROVIDES,  # and a signature
    ("POST", "/mt5/status"): SIGNED_IN,
    ("GET", "/mt5/status/{user_id}"): SIGNED_IN,
    ("POST", "/api/v1/exchange-accounts"): FOLLOWS,
    ("GET", "/api/v1/exchange-accounts"): FOLLOWS,
    ("GET", "/api/v1/exchange-accounts/{account_id}"): FOLLOWS,
    ("PATCH", "/api/v1/exchange-accounts/{account_id}"): FOLLOWS,
    ("DELETE", "/api/v1/exchange-accounts/{account_id}"): FOLLOWS,
    ("POST", "/api/v1/exchange-accounts/{account_id}/check"): FOLLOWS,
    ("GET", "/api/v1/exchange-accounts/{account_id}/book"): FOLLOWS,
    ("GET", "/api/v1/exchange-accounts/{account_id}/results"): FOLLOWS,
    ("POST", "/api/v1/bot-subscriptions"): FOLLOWS,
    ("POST", "/api/v1/bot-subscriptions/preview"): FOLLOWS,
    ("GET", "/api/v1/bot-subscriptions"): FOLLOWS,
    ("GET", "/api/v1/bot-subscriptions/{subscription_id}"): FOLLOWS,
    ("PATCH", "/api/v1/bot-subscriptions/{subscription_id}"): FOLLOWS,
    ("DELETE", "/api/v1/bot-subscriptions/{subscription_id}"): FOLLOWS,
    ("GET", "/api/v1/bot-signals"): SIGNED_IN,
    ("GET", "/api/v1/bot-signals/{signal_id}"): SIGNED_IN,
    ("GET", "/api/v1/bot-signal-executions"): SIGNED_IN,
    ("GET", "/api/v1/bot-signal-executions/{execution_id}"): SIGNED_IN,
    ("POST", "/api/v1/breaker"): FOLLOWS,
    ("GET", "/api/v1/breaker"): SIGNED_IN,
    ("GET", "/api/v1/desk"): SIGNED_IN,
    ("GET", "/api/v1/desk/today"): SIGNED_IN,
    ("GET", "/api/v1/desk/alerts"): SIGNED_IN,
    ("GET", "/api/v1/desk/glance"): SIGNED_IN,
    ("GET", "/api/v1/positions"): SIGNED_IN,
    ("GET", "/api/v1/audit"): ADMIN,
    ("GET", "/api/v1/audit/verification"): ADMIN,
    ("GET", "/api/v1/backups"): ADMIN,
    ("POST", "/api/v1/backups"): ADMIN,
    ("GET", "/api/v1/logs"): ADMIN,
    ("GET", "/health"): EVERYBODY,
    ("GET", "/ready"): EVERYBODY,
    ("GET", "/metrics"): OPERATOR,
    ("GET", "/openapi.json"): EVERYBODY,
    ("GET", "/docs"): EVERYBODY,
    ("GET", "/docs/oauth2-redirect"): EVERYBODY,
    ("GET", "/docs/assets/{name}"): EVERYBODY,
}


def methods_at(path: str) -> list[str]:
    """What can be done at an address; Starlette tells only what the first of its routes takes."""
    templates = [one for _, one in POLICIES if one == path] or [
        one for _, one in POLICIES if compile_path(one)[0].match(path)
    ]
    return sorted(method for method, template in POLICIES if template in templates)


async def enforce(request: Request) -> None:
    """Let in, or raise 401 or 403; a user's own request limit counts here too."""
    route = request.scope["route"]
    policy = POLICIES.get((request.method, route.path))
    if policy is None:
        raise HTTPException(403, "nobody may do this")
    _refuse_parameters(request, route)
    if not policy.roles or (policy.scraper and _is_scraper(request)):
        return
    user = await _user(request)
    if user.role not in policy.roles:
        raise HTTPException(403, "your role may not do this")
    of_request(request).limits.users.take(user.id, of_request(request).clock.now())
    request.state.user = user


def _refuse_parameters(request: Request, route: APIRoute) -> None:
    """A misspelt or doubled filter would silently return something else; an alert is not lost for a word in its address."""
    if route.path.startswith(WEBHOOK_PREFIX):
        return
    if any("\0" in value for value in request.path_params.values()):
        raise NotFound("there is no such thing")
    known = set(_parameters(route.dependant))
    counts = Counter(name for name, _ in request.query_params.multi_items())
    problems = [
        (name, f"no such parameter; known: {', '.join(sorted(known)) or 'none'}") for name in counts.keys() - known
    ]
    problems += [(name, "told more than once") for name, count in counts.items() if count > 1 and name in known]
    if problems:
        fields = tuple(FieldError(name, problem) for name, problem in sorted(problems))
        raise InvalidInput("; ".join(f"{one.field}: {one.problem}" for one in fields), fields)


def _parameters(dependant: Dependant) -> Iterator[str]:
    """What a route and everything it depends on read from the query."""
    yield from (field.alias for field in dependant.query_params)
    for one in dependant.dependencies:
        yield from _parameters(one)


def _is_scraper(request: Request) -> bool:
    wanted, token = of_request(request).metrics_token, _bearer(request)
    return bool(wanted and token) and hmac.compare_digest(str(wanted).encode(), str(token).encode())


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _user(request: Request) -> User:
    token = _bearer(request)
    hub = of_request(request)
    user_id = None if token is None else hub.tokens.read(token, hub.clock.now())
    user = None
    if user_id is not None:
        wanted = user_id
        user = await hub.store.read(lambda tables: tables.users.get(wanted))
    if user is None or user.status is not UserStatus.ACTIVE:
        raise HTTPException(401, "sign in first: POST /token", {"WWW-Authenticate": "Bearer"})
    return user


def check_complete(app: FastAPI, rooms: Sequence[APIRouter]) -> None:
    """Raise at the start for a route without a policy, and for a policy without a route."""
    routes = [*app.routes, *(route for room in rooms for route in room.routes)]
    found = {
        (method, route.path)
        for route in routes
        if isinstance(route, Route | APIRoute)
        for method in route.methods or ()
    }
    found = {pair for pair in found if pair[0] != "HEAD"}
    missing, stray = found - set(POLICIES), set(POLICIES) - found
    if missing or stray:
        raise RuntimeError(f"routes without a policy: {sorted(missing)}; policies without a route: {sorted(stray)}")
