"""The API as /openapi.json tells it: for each route what it takes and exactly the statuses it can answer, with examples."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from copydesk.client.examples import EXAMPLES
from copydesk.client.models import ErrorAnswer
from copydesk.domain.user import Role
from copydesk.web.limits import WEBHOOK_PREFIX
from copydesk.web.policy import POLICIES
from copydesk.web.refusals import REFERENCE, SAYS, describe_refusal

TAGS = [
    {"name": "sign-in", "description": "Tokens: sign in, renew, sign out."},
    {"name": "users", "description": "People: one's own profile and configuration; an admin makes and changes users."},
    {"name": "bots", "description": "Named streams of signals, with default copy settings."},
    {"name": "webhook", "description": "Where TradingView sends its alerts."},
    {"name": "signed signals", "description": "Where a master's tickets come in, signed."},
    {"name": "terminals", "description": "MetaTrader 5 terminals, as the programs beside them report them."},
    {"name": "strategies", "description": "Bots that copydesk runs itself: how they stand, trade and decide."},
    {"name": "accounts", "description": "Followers' accounts at venues. Keys go in and never come out."},
    {"name": "subscriptions", "description": "An account follows a bot, with the follower's own values and limits."},
    {"name": "breaker", "description": "Stop openings, cancel what waits, close what is held; or let go again."},
    {"name": "overview", "description": "The desk at a glance: its parts, the day's figures, alerts, positions."},
    {"name": "history", "description": "What happened: signals, executions with their reasons, the audit log."},
    {
        "name": "operations",
        "description": "What an admin looks after: the audit log's chain, backups, the newest log lines.",
    },
    {"name": "status", "description": "Whether the desk lives, and how it fares."},
]

_SIGN_IN = {
    "type": "oauth2",
    "description": "POST /token with a username and password; then Authorization: Bearer …",
    "flows": {"password": {"tokenUrl": "/token", "refreshUrl": "/token/refresh", "scopes": {}}},
}
_WEBHOOK_SAYS = {
    401: "unknown webhook path or wrong secret",
    409: "the bot is paused: it takes no signals",
    413: "the body may have 65536 bytes",
    422: "ticker: BTCUSTD is not traded at any futures venue of this desk",
}
_WITHOUT_DATABASE = frozenset({"/health", "/metrics", "/api/v1/logs"})

Document = dict[str, Any]

INVALID = 422
"""FastAPI describes it in a shape of its own, which no answer here has."""


def describe(app: FastAPI) -> None:
    """Complete what FastAPI reads out of the routes."""
    plain_openapi = app.openapi
    told: Document = {}

    def openapi() -> Document:
        if not told:
            told.update(_complete(_name_pages(plain_openapi())))
        return told

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def operation_id(route: APIRoute) -> str:
    """A method's name in a generated client."""
    return route.name


def _name_pages(document: Document) -> Document:
    """`Page_BotAnswer_` is no name for a generated class."""
    named: Document = json.loads(re.sub(r"Page_(\w+?)Answer_", r"\1Page", json.dumps(document)))
    return named


def _complete(document: Document) -> Document:
    components = document.setdefault("components", {})
    components.setdefault("securitySchemes", {})["sign_in"] = _SIGN_IN
    components["schemas"]["ErrorAnswer"] = ErrorAnswer.model_json_schema(ref_template=REFERENCE + "{model}")
    for foreign in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(foreign, None)
    components["schemas"] |= components["schemas"]["ErrorAnswer"].pop("$defs", {})
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            roles = POLICIES[method.upper(), path].roles
            if roles:
                operation["security"] = [{"sign_in": []}]
            for status in _possible(path, method, roles):
                if str(status) not in operation["responses"] or status == INVALID:
                    operation["responses"][str(status)] = describe_refusal(status, _text(status, path))
            operation["responses"] = dict(sorted(operation["responses"].items()))
            _show_examples(operation, components["schemas"])
    return document


def _possible(path: str, method: str, roles: frozenset[Role]) -> Iterator[int]:
    """The refusals that follow from who may call a route and how."""
    yield INVALID
    if roles:
        yield 401
        yield 429
    if roles and roles != frozenset(Role):
        yield 403
    if path.startswith(WEBHOOK_PREFIX):
        yield from (401, 409, 429)
    if path.endswith("_id}") or "_id}/" in path:
        yield 404
    if method != "get":
        yield 413
    if path not in _WITHOUT_DATABASE:
        yield 503


def _text(status: int, path: str) -> str:
    if path.startswith(WEBHOOK_PREFIX) and status in _WEBHOOK_SAYS:
        return _WEBHOOK_SAYS[status]
    named = re.findall(r"{(\w+)_id}", path)
    return SAYS[status].format(thing=named[-1] if named else "thing")


def _show_examples(operation: Document, schemas: Mapping[str, Document]) -> None:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for content in (content for body in bodies for content in body.get("content", {}).values()):
        example = _example(content.get("schema", {}), schemas)
        if example is not None:
            content.setdefault("example", example)


def _example(schema: Document, schemas: Mapping[str, Document]) -> Any:
    """Of a model its own; of a page, one with a single item; of what may be null, that of the rest."""
    named = [one["$ref"] for one in (schema, *schema.get("anyOf", ())) if "$ref" in one]
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas)]
    if not named:
        return None
    name = named[0].removeprefix(REFERENCE).partition("-")[0]
    items = schemas.get(name, {}).get("properties", {}).get("items")
    if items is not None and name.endswith("Page"):
        return {"items": [_example(items["items"], schemas)], "next": None}
    return EXAMPLES.get(name)
