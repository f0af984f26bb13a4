"""/openapi.json and /docs: every route with what it takes, what it can answer, and how both look."""

import pkgutil
import re
from importlib import import_module

import pytest
from pydantic import TypeAdapter

from copydesk import client
from copydesk.client.examples import EXAMPLES
from web_support import BOTS, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODULES = [import_module(f"copydesk.client.{one.name}") for one in pkgutil.iter_modules(client.__path__)]
MODELS = {name: model for module in MODULES for name, model in vars(module).items()}


def references(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


async def description(desk):
    answer = await desk.nobody.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_the_description_refers_to_nothing_that_is_not_there(desk):
    document = await description(desk)
    broken = []

    for reference in set(references(document)):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place.get(part.replace("~1", "/").replace("~0", "~"), {})
        if not place:
            broken.append(reference)

    assert document["openapi"].startswith("3.")
    assert broken == []


async def test_every_route_of_the_contract_is_described(desk):
    paths = (await description(desk))["paths"]

    wanted = {
        "/token": "post",
        "/token/refresh": "post",
        "/logout": "post",
        "/users/me": "get",
        "/users/config": "post",
        "/users/me/config": "get",
        "/mt5/status": "post",
        "/mt5/status/{user_id}": "get",
        "/api/v1/users": "post get",
        "/api/v1/bots": "post get",
        "/api/v1/bots/health": "get",
        "/api/v1/bots/{bot_id}": "get patch delete",
        "/api/v1/bots/{bot_id}/rotate-secret": "post",
        "/api/v1/bots/webhook/master/{path}": "post",
        "/api/v1/exchange-accounts": "post get",
        "/api/v1/exchange-accounts/{account_id}": "get patch delete",
        "/api/v1/exchange-accounts/{account_id}/check": "post",
        "/api/v1/bot-subscriptions": "post get",
        "/api/v1/bot-subscriptions/{subscription_id}": "get patch delete",
        "/api/v1/bot-signals": "get",
        "/api/v1/bot-signals/{signal_id}": "get",
        "/api/v1/bot-signal-executions": "get",
        "/api/v1/bot-signal-executions/{execution_id}": "get",
        "/api/v1/audit": "get",
        "/health": "get",
        "/ready": "get",
    }
    missing = [
        f"{verb} {path}" for path, verbs in wanted.items() for verb in verbs.split() if verb not in paths.get(path, {})
    ]
    assert missing == []


async def test_every_described_error_has_the_one_shape(desk):
    document = await description(desk)

    shapes = [
        str(answer["content"]["application/json"]["schema"])
        for path, methods in document["paths"].items()
        for route in methods.values()
        for code, answer in route["responses"].items()
        if code >= "4" and (path, code) != (f"{BOTS}/health", "503")
    ]
    assert shapes
    assert set(shapes) == {"{'$ref': '#/components/schemas/ErrorAnswer'}"}


async def test_operation_names_are_unique_so_that_clients_can_be_generated(desk):
    document = await description(desk)

    names = [route["operationId"] for methods in document["paths"].values() for route in methods.values()]

    assert len(names) == len(set(names))


async def test_the_description_says_how_to_sign_in(desk):
    """Without a security scheme the pages at /docs offer no way to send a token: no signed-in route can be tried."""
    document = await description(desk)

    assert document.get("components", {}).get("securitySchemes")
    assert document["paths"]["/users/me"]["get"].get("security") or document.get("security")


async def test_the_pages_are_there_for_people_and_fetch_nothing_from_outside(desk):
    page = await desk.nobody.get("/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assets = [await desk.nobody.get(address) for address in named]

    assert page.status_code == 200
    assert "openapi.json" in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "https://" not in page.text
    assert [one.status_code for one in assets] == [200] * len(named)
    assert {one.headers["content-type"].split(";")[0] for one in assets} == {"text/javascript", "text/css", "image/png"}


@pytest.mark.parametrize("name", ["redoc.standalone.js", "..%2Fcore.py", "%00", "x"])
async def test_the_pages_hand_out_their_own_files_and_no_others(desk, name):
    assert_error(await desk.nobody.get(f"/docs/assets/{name}"), 404)


def contents(route):
    """Every body a route takes or gives: where it stands and how it is described."""
    for kind, content in route.get("requestBody", {}).get("content", {}).items():
        yield f"request {kind}", content
    for status, answer in route["responses"].items():
        for kind, content in answer.get("content", {}).items():
            yield f"{status} {kind}", content


async def test_every_body_and_every_answer_has_an_example_and_a_description(desk):
    document = await description(desk)
    bare = []

    for path, methods in document["paths"].items():
        for method, route in methods.items():
            name = f"{method} {path}"
            bare += [f"{name} {where}: no example" for where, content in contents(route) if "example" not in content]
            bare += [
                f"{name} {status}: only says {answer['description']}"
                for status, answer in route["responses"].items()
                if answer["description"] == "Successful Response"
            ]
            bare += [
                f"{name}: no {part}"
                for part in ("summary", "description", "operationId", "tags")
                if not route.get(part)
            ]

    assert bare == []


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_is_something_the_model_really_takes_and_gives(name):
    adapter = TypeAdapter(MODELS[name])

    read = adapter.validate_python(EXAMPLES[name])

    assert adapter.dump_python(read, mode="json", by_alias=True, exclude_unset=True) == EXAMPLES[name]


async def test_a_list_shows_a_page_with_one_of_its_things(desk):
    listing = (await description(desk))["paths"][BOTS]["get"]["responses"]["200"]["content"]["application/json"]

    assert listing["schema"] == {"$ref": "#/components/schemas/BotPage"}
    assert listing["example"] == {"items": [EXAMPLES["BotAnswer"]], "next": None}


CAN_ANSWER = {
    "get /health": "200 422",
    "get /users/me": "200 401 422 429 503",
    "post /token": "200 401 413 422 429 503",
    "get /api/v1/bots": "200 401 422 429 503",
    "post /api/v1/bots": "201 401 403 409 413 422 429 503",
    "delete /api/v1/exchange-accounts/{account_id}": "204 401 403 404 409 413 422 429 503",
    "post /api/v1/bots/webhook/master/{path}": "200 401 409 413 422 429 503",
}


@pytest.mark.parametrize("route", CAN_ANSWER)
async def test_a_route_declares_the_statuses_it_can_answer_and_no_others(desk, route):
    method, path = route.split()

    described = (await description(desk))["paths"][path][method]["responses"]

    assert " ".join(described) == CAN_ANSWER[route]
