"""Requests that programs send by mistake: doubled words, other methods, other types, broken text. Each gets a clear no."""

import pytest
import pytest_asyncio

from web_support import ACCOUNTS, BOTS, EXECUTIONS, SIGNALS, SUBSCRIPTIONS, USERS, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTS = [BOTS, ACCOUNTS, SUBSCRIPTIONS, SIGNALS, EXECUTIONS, USERS, "/api/v1/audit"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(desk):
    return await desk.person("admin")


def named_fields(error):
    return [one["field"] for one in error["details"]["fields"]]


@pytest.mark.parametrize("path", LISTS)
async def test_a_parameter_that_is_told_twice_is_refused_by_name(admin, path):
    error = assert_error(await admin.get(f"{path}?limit=1&limit=500&x=1"), 422)

    assert named_fields(error) == ["limit", "x"]


async def test_a_list_that_is_not_asked_for_its_total_does_not_tell_one(admin):
    assert set((await admin.get(BOTS)).json()) == {"items", "next"}
    assert set((await admin.get(BOTS, params={"total": 0})).json()) == {"items", "next"}


@pytest.mark.parametrize("query", ["name=%00", "name=a%00b"])
async def test_a_filter_that_no_database_can_look_for_is_refused_by_name(admin, query):
    assert named_fields(assert_error(await admin.get(f"{BOTS}?{query}"), 422)) == ["name"]


async def test_a_filter_of_broken_text_finds_nothing_and_breaks_nothing(admin):
    answer = await admin.get(f"{BOTS}?name=%ff%fe")

    assert answer.status_code == 200
    assert answer.json()["items"] == []


@pytest.mark.parametrize("cursor", ["abc", "0" * 25, "0" * 27, "U" * 26, "01m7yq0kfb0005w6p57jeeq0n!", "l" * 26])
async def test_a_cursor_that_is_no_id_is_refused_by_name(admin, cursor):
    assert named_fields(assert_error(await admin.get(BOTS, params={"cursor": cursor}), 422)) == ["cursor"]


METHODS = [
    ("PUT", BOTS, "GET, POST"),
    ("OPTIONS", BOTS, "GET, POST"),
    ("HEAD", BOTS, "GET, POST"),
    ("DELETE", "/users/me", "GET"),
    ("POST", f"{BOTS}/health", "GET"),
    ("PUT", f"{BOTS}/x", "DELETE, GET, PATCH"),
    ("TRACE", "/token", "POST"),
    ("INVENTED", f"{ACCOUNTS}/x/check", "POST"),
]


@pytest.mark.parametrize(("method", "path", "allowed"), METHODS)
async def test_a_method_that_is_not_possible_gets_those_that_are(admin, method, path, allowed):
    answer = await admin.send(method, path)

    assert answer.headers["allow"] == allowed
    if method != "HEAD":
        assert allowed in assert_error(answer, 405, "method_not_allowed")["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
async def test_a_body_of_another_type_is_told_which_one_is_needed(admin, kind):
    error = assert_error(await admin.post(BOTS, content=b'{"name": "x"}', headers={"Content-Type": kind}), 422)

    assert named_fields(error) == ["body"]
    assert "Content-Type: application/json" in error["message"]


BROKEN = {
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "half": b'{"name": "x"',
    "NUL bytes": b"\0\0\0\0",
    "1e400 for a name": b'{"name": 1e400}',
    "an integer of 5,000 digits": b'{"name": "x", "default_leverage": ' + b"9" * 5_000 + b"}",
    "NaN": b'{"name": "x", "default_leverage": NaN}',
    "a money of 1e400": b'{"name": "x", "default_margin_usd": 1e400}',
    "twenty-one levels": b'{"name": ' + b"[" * 20 + b"]" * 20 + b"}",
}


@pytest.mark.parametrize("body", BROKEN)
async def test_a_body_that_cannot_be_used_is_a_422_in_the_one_shape(admin, body):
    answer = await admin.post(BOTS, content=BROKEN[body], headers={"Content-Type": "application/json"})

    error = assert_error(answer, 422)
    assert len(error["message"]) < 500


@pytest.mark.parametrize("path", ["/token", "/token/refresh", "/logout", "/users/config"])
async def test_a_broken_form_or_body_is_a_422_on_the_routes_of_people_too(admin, path):
    for kind in (
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
    ):
        answer = await admin.post(path, content=b"\xff\xfe--x\r\n{", headers={"Content-Type": kind})

        assert_error(answer, 422)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "Bearer \xff", "bearer a b c", "Bearer " + "x" * 7_000]
)
async def test_a_header_that_is_no_token_is_a_401(desk, header):
    assert_error(await desk.nobody.get("/users/me", headers={b"Authorization": header.encode("latin-1")}), 401)


@pytest.mark.parametrize(
    "filters",
    [
        {"key_check": "accepted"},
        {"name": "Filtered", "key_check": "unchecked"},
    ],
)
async def test_accounts_are_found_by_what_was_found_about_their_key(desk, filters):
    follower = await desk.person()
    account = await desk.paper_account(follower, name="Filtered")

    found = await follower.items(ACCOUNTS, **filters)

    assert [one["id"] for one in found] == ([account["id"]] if account["key_check"] == filters["key_check"] else [])


async def test_the_audit_is_read_by_who_did_what_to_which(desk, admin):
    provider = await desk.person("provider")
    bot, _ = await desk.bot(provider)
    await provider.patch(f"{BOTS}/{bot['id']}", json={"name": "Other"})
    await desk.bot(provider)

    by_actor = (await admin.get("/api/v1/audit", params={"actor": provider.user.id, "total": 1, "limit": 2})).json()
    by_subject = await admin.items("/api/v1/audit", subject=bot["id"], action="bot.change")

    assert by_actor["total"] == 3
    assert [one["action"] for one in by_actor["items"]] == ["bot.create", "bot.change"]
    rest = await admin.items("/api/v1/audit", actor=provider.user.id, cursor=by_actor["next"])
    assert [one["subject"] for one in rest] == [bot["id"]]
    assert len(by_subject) == 1


async def test_an_execution_is_found_by_the_venue_s_order_id_and_by_ours(desk, simulator):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider)
    await desk.subscription(follower, bot, await desk.futures_account(follower, simulator))
    await desk.alert(bot, secret, wait=2.5)
    [execution] = await follower.items(EXECUTIONS, leg="open")

    for name in ("exchange_order_id", "client_order_id"):
        assert [one["id"] for one in await follower.items(EXECUTIONS, **{name: execution[name]})] == [execution["id"]]
    assert await provider.items(EXECUTIONS, exchange_order_id="no such order") == []
