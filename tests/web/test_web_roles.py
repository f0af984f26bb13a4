"""Every route for every role: the table is written from the contract, so that a slip in the app's own table shows."""

import pytest
import pytest_asyncio

from web_support import UNKNOWN_ID, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = frozenset({"admin", "provider", "follower"})
PROVIDERS = frozenset({"admin", "provider"})
FOLLOWERS = frozenset({"admin", "follower"})
ADMINS = frozenset({"admin"})
OPEN = None

# Who gets past the door. A body or an id that leads nowhere keeps each call harmless: behind the door is 404 or 422.
WHO = {
    ("POST", "/logout"): ALL,
    ("GET", "/users/me"): ALL,
    ("GET", "/users/me/config"): ALL,
    ("POST", "/users/config"): ALL,
    ("GET", "/users/me/notifications"): ALL,
    ("PUT", "/users/me/notifications"): ALL,
    ("POST", "/users/me/notifications/test"): ALL,
    ("POST", "/api/v1/users"): ADMINS,
    ("GET", "/api/v1/users"): ADMINS,
    ("GET", "/api/v1/users/{id}"): ADMINS,
    ("PATCH", "/api/v1/users/{id}"): ADMINS,
    ("POST", "/api/v1/bots"): PROVIDERS,
    ("GET", "/api/v1/bots"): ALL,
    ("GET", "/api/v1/bots/results"): ALL,
    ("GET", "/api/v1/bots/{id}"): ALL,
    ("GET", "/api/v1/bots/{id}/results"): ALL,
    ("POST", "/api/v1/bots/{id}/test-signal"): PROVIDERS,
    ("PATCH", "/api/v1/bots/{id}"): PROVIDERS,
    ("DELETE", "/api/v1/bots/{id}"): PROVIDERS,
    ("POST", "/api/v1/bots/{id}/rotate-secret"): PROVIDERS,
    ("POST", "/api/v1/bots/{id}/run"): PROVIDERS,
    ("GET", "/api/v1/bots/{id}/ruin-card"): PROVIDERS,
    ("GET", "/api/v1/strategies"): ALL,
    ("POST", "/api/v1/backtests"): PROVIDERS,
    ("GET", "/api/v1/backtests"): PROVIDERS,
    ("GET", "/api/v1/backtests/{id}"): PROVIDERS,
    ("GET", "/api/v1/backtests/{id}/report"): PROVIDERS,
    ("DELETE", "/api/v1/backtests/{id}"): PROVIDERS,
    ("GET", "/api/status"): ALL,
    ("GET", "/api/trades"): ALL,
    ("GET", "/api/positions"): ALL,
    ("GET", "/api/market-data"): ALL,
    ("GET", "/api/analysis"): ALL,
    ("POST", "/signal/broadcast"): PROVIDERS,
    ("POST", "/signal/close"): PROVIDERS,
    ("POST", "/mt5/status"): ALL,
    ("GET", "/mt5/status/{id}"): ALL,
    ("POST", "/api/v1/exchange-accounts"): FOLLOWERS,
    ("GET", "/api/v1/exchange-accounts"): FOLLOWERS,
    ("GET", "/api/v1/exchange-accounts/{id}"): FOLLOWERS,
    ("PATCH", "/api/v1/exchange-accounts/{id}"): FOLLOWERS,
    ("DELETE", "/api/v1/exchange-accounts/{id}"): FOLLOWERS,
    ("POST", "/api/v1/exchange-accounts/{id}/check"): FOLLOWERS,
    ("GET", "/api/v1/exchange-accounts/{id}/book"): FOLLOWERS,
    ("GET", "/api/v1/exchange-accounts/{id}/results"): FOLLOWERS,
    ("POST", "/api/v1/bot-subscriptions"): FOLLOWERS,
    ("POST", "/api/v1/bot-subscriptions/preview"): FOLLOWERS,
    ("GET", "/api/v1/bot-subscriptions"): FOLLOWERS,
    ("GET", "/api/v1/bot-subscriptions/{id}"): FOLLOWERS,
    ("PATCH", "/api/v1/bot-subscriptions/{id}"): FOLLOWERS,
    ("DELETE", "/api/v1/bot-subscriptions/{id}"): FOLLOWERS,
    ("GET", "/api/v1/bot-signals"): ALL,
    ("GET", "/api/v1/bot-signals/{id}"): ALL,
    ("GET", "/api/v1/bot-signal-executions"): ALL,
    ("GET", "/api/v1/bot-signal-executions/{id}"): ALL,
    ("POST", "/api/v1/breaker"): FOLLOWERS,
    ("GET", "/api/v1/breaker"): ALL,
    ("GET", "/api/v1/desk"): ALL,
    ("GET", "/api/v1/desk/today"): ALL,
    ("GET", "/api/v1/desk/alerts"): ALL,
    ("GET", "/api/v1/desk/glance"): ALL,
    ("GET", "/api/v1/positions"): ALL,
    ("GET", "/api/v1/audit"): ADMINS,
    ("GET", "/api/v1/audit/verification"): ADMINS,
    ("GET", "/api/v1/backups"): ADMINS,
    ("POST", "/api/v1/backups"): ADMINS,
    ("GET", "/api/v1/logs"): ADMINS,
    ("GET", "/metrics"): ADMINS,
    ("GET", "/health"): OPEN,
    ("GET", "/ready"): OPEN,
    ("GET", "/api/v1/bots/health"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/docs"): OPEN,
}
# Open to everybody because something in the request decides instead of a role.
DECIDE_THEMSELVES = {
    ("POST", "/token"),
    ("POST", "/token/refresh"),
    ("POST", "/api/v1/bots/webhook/master/{id}"),
}
# Past the door there is a second one: a token alone is not enough.
NEEDS_A_SIGNATURE = {("POST", "/signal/broadcast"), ("POST", "/signal/close")}
# Of the only strategy bot there is: here there is none.
NEEDS_A_BOT = {("GET", "/api/market-data")}
NEEDS_A_BODY = {
    ("POST", "/api/v1/bots/{id}/run"),
    ("POST", "/api/v1/bots/{id}/test-signal"),
    ("POST", "/mt5/status"),
    ("PUT", "/users/me/notifications"),
    ("POST", "/users/me/notifications/test"),
    ("POST", "/api/v1/users"),
    ("POST", "/api/v1/backtests"),
    ("POST", "/api/v1/bots"),
    ("POST", "/api/v1/exchange-accounts"),
    ("POST", "/api/v1/bot-subscriptions"),
    ("POST", "/api/v1/bot-subscriptions/preview"),
    ("POST", "/api/v1/breaker"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(desk):
    signed_in = {role: await desk.person(role) for role in sorted(ALL)}
    return signed_in | {"nobody": desk.nobody}


def behind_the_door(method, path):
    if (method, path) in NEEDS_A_SIGNATURE:
        return 401
    if (method, path) in NEEDS_A_BODY:
        return 422
    if "{id}" in path or (method, path) in NEEDS_A_BOT:
        return 404
    if (method, path) == ("POST", "/api/v1/backups"):
        return 201
    return 204 if path == "/logout" else 200


def body_of(method, path):
    if method == "PATCH" or (method, path) == ("POST", "/users/config"):
        return {"json": {}}
    return {"json": {"there is": "no such field"}} if (method, path) in NEEDS_A_BODY else {}


@pytest.mark.parametrize("role", ["admin", "provider", "follower", "nobody"])
@pytest.mark.parametrize(("method", "path"), WHO, ids=lambda part: part.replace("/", " ").strip())
async def test_a_route_lets_in_whom_the_contract_names_and_nobody_else(people, method, path, role):
    person = people[role]
    allowed = WHO[method, path]

    answer = await person.send(method, path.format(id=UNKNOWN_ID), **body_of(method, path))

    if allowed is OPEN or role in allowed:
        assert answer.status_code == behind_the_door(method, path), answer.text
        assert (method, path) not in NEEDS_A_SIGNATURE or "must be signed" in answer.text
    else:
        assert_error(answer, 401 if role == "nobody" else 403, "unauthorized" if role == "nobody" else "forbidden")


async def test_the_table_knows_every_documented_route(desk):
    paths = (await desk.nobody.get("/openapi.json")).json()["paths"]

    documented = {
        (method.upper(), "/".join("{id}" if part.startswith("{") else part for part in path.split("/")))
        for path, methods in paths.items()
        for method in methods
    }
    undocumented = {("GET", "/openapi.json"), ("GET", "/docs")}
    assert documented == (set(WHO) | DECIDE_THEMSELVES) - undocumented


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1/nowhere", "/api/v1/bots/x/y", "/api/v2/bots", "/docs/x", "/redoc"]
)
async def test_a_path_that_does_not_exist_is_a_404_in_the_one_shape(desk, path):
    admin = await desk.person("admin")

    assert_error(await admin.get(path), 404, "not_found")
    assert_error(await desk.nobody.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/bots"),
        ("DELETE", "/api/v1/bots"),
        ("PUT", f"/api/v1/bots/{UNKNOWN_ID}"),
        ("DELETE", f"/api/v1/users/{UNKNOWN_ID}"),
        ("POST", "/users/me"),
        ("GET", "/token"),
        ("GET", "/api/v1/bots/webhook/master/x"),
        ("TRACE", "/users/me"),
        ("OPTIONS", "/api/v1/bots"),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_a_405_in_the_one_shape(desk, method, path):
    admin = await desk.person("admin")

    answer = await admin.send(method, path)

    assert_error(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"]


async def test_no_answer_invites_other_origins(desk):
    person = await desk.person()

    answer = await person.get("/users/me", headers={"Origin": "https://evil.example"})

    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_who_is_not_let_in_learns_nothing_of_the_body(desk):
    """The door stands before the reading: a stranger's bad body is a 401, not a lesson in field names."""
    answer = await desk.nobody.post("/api/v1/users", json={"role": "god"})

    assert_error(answer, 401)


async def test_a_follower_cannot_make_themselves_more_than_that(desk):
    follower = await desk.person()

    assert_error(await follower.patch(f"/api/v1/users/{follower.user.id}", json={"role": "admin"}), 403)
    assert_error(await follower.post("/users/config", json={"role": "admin"}), 422)

    assert (await follower.get("/users/me")).json()["role"] == "follower"
