"""Signals, executions, lists and the audit log over HTTP: each sees the own, and pages lose and repeat nothing."""

import re

import pytest
import pytest_asyncio

from web_support import (
    ACCOUNTS,
    AUDIT,
    BOTS,
    EXECUTIONS,
    SIGNALS,
    SUBSCRIPTIONS,
    UNKNOWN_ID,
    USERS,
    assert_error,
    no_limits,
    running_hub,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTS = [BOTS, ACCOUNTS, SUBSCRIPTIONS, SIGNALS, EXECUTIONS, USERS]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
FINAL_OR_KNOWN = {
    *("PLANNED", "QUEUED", "BLOCKED", "SENDING", "WORKING", "PARTIAL", "UNKNOWN", "ABSENT", "REVIEW"),
    *("SKIPPED", "EXPIRED", "CANCELLED", "REJECTED", "FILLED", "NOT_PLACED"),
}


class Story:
    """Two providers with a bot each, two followers of both, one signal from each bot; a third of everything idle."""

    async def play(self, desk, simulator):
        self.desk = desk
        self.admin = await desk.person("admin")
        self.providers = [await desk.person("provider") for _ in range(3)]
        self.followers = [await desk.person() for _ in range(3)]
        self.bots = [await desk.bot(one, default_stop_loss_pct="2.5") for one in self.providers]
        self.accounts = []
        self.signals = []
        for follower, other in zip(self.followers[:2], (False, True), strict=True):
            account = await (desk.paper_account(follower) if other else desk.futures_account(follower, simulator))
            self.accounts.append(account)
        for number, (bot, secret) in enumerate(self.bots[:2]):
            await desk.subscription(self.followers[number], bot, self.accounts[number])
            answer = await desk.alert(bot, secret, wait=2.5)
            assert answer.json()["broadcast_stats"]["successful_executions"] == 1, answer.text
            self.signals.append(answer.json()["signal_id"])
        return self


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(simulator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("story")
    async with running_hub(folder, simulator_url=simulator.url, limits=no_limits()) as desk:
        yield await Story().play(desk, simulator)


async def one_of(person, path):
    return (await person.items(path))[0]


async def test_another_follower_s_things_do_not_exist_for_any_verb(story):
    owner, stranger = story.followers[0], story.followers[1]
    theirs = {path: (await one_of(owner, path))["id"] for path in (ACCOUNTS, SUBSCRIPTIONS, SIGNALS, EXECUTIONS)}

    answers = [await stranger.get(f"{path}/{id}") for path, id in theirs.items()]
    for path in (ACCOUNTS, SUBSCRIPTIONS):
        answers += [
            await stranger.patch(f"{path}/{theirs[path]}", json={}),
            await stranger.delete(f"{path}/{theirs[path]}"),
        ]
    answers.append(await stranger.post(f"{ACCOUNTS}/{theirs[ACCOUNTS]}/check"))
    answers.append(
        await stranger.patch(f"{ACCOUNTS}/{theirs[ACCOUNTS]}", json={"api_key": "k" * 20, "api_secret": "s"})
    )
    missing = await stranger.get(f"{ACCOUNTS}/{UNKNOWN_ID}")

    for answer in answers:
        assert_error(answer, 404, "not_found")
    assert answers[0].json() == missing.json()


async def test_lists_show_a_follower_the_own_and_nothing_else(story):
    for number, follower in enumerate(story.followers[:2]):
        assert [one["id"] for one in await follower.items(ACCOUNTS)] == [story.accounts[number]["id"]]
        assert len(await follower.items(SUBSCRIPTIONS)) == 1
        assert [one["id"] for one in await follower.items(SIGNALS)] == [story.signals[number]]
        assert {one["account_id"] for one in await follower.items(EXECUTIONS)} == {story.accounts[number]["id"]}
    for path in (ACCOUNTS, SUBSCRIPTIONS, SIGNALS, EXECUTIONS):
        assert await story.followers[2].items(path) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (SIGNALS, "bot_id"),
        (EXECUTIONS, "account_id"),
        (EXECUTIONS, "signal_id"),
        (EXECUTIONS, "bot_id"),
        (SUBSCRIPTIONS, "bot_id"),
    ],
)
async def test_a_filter_is_no_way_around_who_owns_what(story, path, name):
    owner, stranger = story.followers[0], story.followers[1]
    value = (await one_of(owner, path))[name]

    answer = await stranger.get(path, params={name: value, "total": 1})

    assert answer.json()["items"] == []
    assert answer.json()["total"] == 0


async def test_a_provider_sees_what_the_own_bot_did_and_no_more(story):
    for number, provider in enumerate(story.providers[:2]):
        assert [one["id"] for one in await provider.items(SIGNALS)] == [story.signals[number]]
        executions = await provider.items(EXECUTIONS)
        assert {one["bot_id"] for one in executions} == {story.bots[number][0]["id"]}
        assert executions
    assert await story.providers[2].items(EXECUTIONS) == []
    foreign = await one_of(story.providers[0], EXECUTIONS)
    assert_error(await story.providers[1].get(f"{EXECUTIONS}/{foreign['id']}"), 404)
    assert_error(await story.providers[1].get(f"{SIGNALS}/{story.signals[0]}"), 404)


async def test_a_provider_learns_neither_name_nor_key_of_an_account(story):
    shown = await story.providers[0].get(EXECUTIONS)

    account = story.accounts[0]
    assert account["name"] not in shown.text
    assert account["key_hint"] not in shown.text
    assert story.followers[0].user.username not in shown.text


async def test_a_provider_is_not_shown_the_wealth_of_a_follower(story):
    """What the follower's account holds is nobody's business but the follower's: the plan must not tell it."""
    shown = await story.providers[0].get(EXECUTIONS)

    assert not re.search(r"\b(balance|available|wallet)\w*\b", shown.text, re.IGNORECASE)


async def test_an_admin_sees_everything_of_everybody(story):
    assert {one["id"] for one in await story.admin.items(SIGNALS)} == set(story.signals)
    assert {one["id"] for one in await story.admin.items(ACCOUNTS)} == {one["id"] for one in story.accounts}
    assert len(await story.admin.items(SUBSCRIPTIONS)) == 2


async def test_an_execution_has_the_contract_s_fields_and_a_timeline(story):
    execution = (await story.followers[0].items(EXECUTIONS, leg="open"))[0]

    wanted = (
        "created_at status id signal_id subscription_id account_id leg symbol side state reason requested_quantity "
        "executed_quantity executed_price exchange_order_id client_order_id execution_time_ms plan timeline"
    )
    assert set(execution) >= set(wanted.split())
    assert (execution["state"], execution["status"], execution["leg"]) == ("FILLED", "success", "open")
    assert execution["executed_quantity"] == execution["requested_quantity"]
    for name in ("requested_quantity", "executed_quantity", "executed_price"):
        assert re.fullmatch(r"\d+(\.\d+)?", execution[name]), name
    assert isinstance(execution["execution_time_ms"], int)
    assert execution["client_order_id"]
    assert execution["exchange_order_id"]
    assert set(execution["plan"]) >= {"inputs", "rule", "numbers"}
    states = [event["state"] for event in execution["timeline"]]
    assert states[-1] == "FILLED"
    assert set(states) <= FINAL_OR_KNOWN


async def test_a_signal_has_the_contract_s_fields(story):
    signal = (await story.followers[0].items(SIGNALS))[0]

    wanted = "id bot_id source ticker symbol action price payload received_at created_at"
    assert set(signal) >= set(wanted.split())
    assert signal["source"] == "tradingview"
    assert "secret" not in signal["payload"]


@pytest.mark.parametrize("path", [*LISTS, AUDIT])
async def test_every_time_in_every_list_is_utc_with_a_z(story, path):
    found = []

    def look(value, name=""):
        if isinstance(value, dict):
            for key, inner in value.items():
                look(inner, key)
        elif isinstance(value, list):
            for inner in value:
                look(inner, name)
        elif isinstance(value, str) and (name == "at" or name.endswith("_at")):
            found.append(value)

    look(await story.admin.items(path))

    assert found
    assert [value for value in found if not TIME.match(value)] == []


@pytest.mark.parametrize("path", LISTS)
async def test_pages_are_newest_first_and_neither_lose_nor_repeat(story, path):
    whole = await story.admin.get(path, params={"limit": 500, "total": 1})
    ids = [one["id"] for one in whole.json()["items"]]

    paged, cursor = [], None
    while True:
        page = (await story.admin.get(path, params={"limit": 1, **({"cursor": cursor} if cursor else {})})).json()
        paged += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert paged == ids
    assert ids == sorted(ids, reverse=True)
    assert whole.json()["total"] == len(ids)
    assert whole.json()["next"] is None


@pytest.mark.parametrize("path", [*LISTS, AUDIT])
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=-1", "limit=x", "limit=1e9", "limit=", f"limit={10**30}"]
)
async def test_a_limit_outside_of_1_to_500_is_refused(story, path, query):
    assert_error(await story.admin.get(f"{path}?{query}"), 422)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query", ["cursor=", "cursor=%00", "cursor='--", f"cursor={'a' * 5_000}", "cursor=%F0%9F%92%A9", "total=maybe"]
)
async def test_a_cursor_that_was_never_given_out_is_refused(story, path, query):
    assert_error(await story.admin.get(f"{path}?{query}"), 422)


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "%00", "1.5", f"{10**40}", "NaN"])
async def test_the_audit_s_cursor_is_a_line_number_and_nothing_else(story, cursor):
    assert_error(await story.admin.get(f"{AUDIT}?cursor={cursor}"), 422)


@pytest.mark.parametrize("path", [*LISTS, AUDIT])
async def test_a_list_answers_items_and_next_and_total_only_when_asked(story, path):
    plain = (await story.admin.get(path)).json()
    counted = (await story.admin.get(path, params={"total": 1})).json()

    assert set(plain) - {"total"} == {"items", "next"}
    assert plain.get("total") is None
    assert isinstance(counted["total"], int)


FILTERS = [
    (USERS, "role", "provider", 3),
    (USERS, "status", "disabled", 0),
    (BOTS, "status", "archived", 0),
    (BOTS, "market_type", "futures", 3),
    (BOTS, "market_type", "spot", 0),
    (ACCOUNTS, "venue", "paper", 1),
    (ACCOUNTS, "is_active", "false", 0),
    (ACCOUNTS, "environment", "demo", 0),
    (SUBSCRIPTIONS, "status", "active", 2),
    (SUBSCRIPTIONS, "status", "paused", 0),
    (SIGNALS, "symbol", "BTCUSDT", 2),
    (SIGNALS, "symbol", "ETHUSDT", 0),
    (SIGNALS, "source", "rest", 0),
    (EXECUTIONS, "leg", "open", 2),
    (EXECUTIONS, "leg", "stop_loss", 2),
    (EXECUTIONS, "state", "FILLED", 2),
    (EXECUTIONS, "state", "REVIEW", 0),
]


@pytest.mark.parametrize(("path", "name", "value", "count"), FILTERS)
async def test_a_filter_named_like_a_field_filters(story, path, name, value, count):
    answer = (await story.admin.get(path, params={name: value, "total": 1})).json()

    assert len(answer["items"]) == count
    assert answer["total"] == count


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (EXECUTIONS, "status", "failed"),
        (EXECUTIONS, "side", "SELL"),
        (SIGNALS, "action", "close"),
        (SIGNALS, "ticker", "ETHUSDT"),
        (BOTS, "source", "rest"),
        (USERS, "username", "nobody-of-this-name"),
        (ACCOUNTS, "name", "no such name"),
    ],
)
async def test_a_filter_named_like_any_field_is_not_silently_ignored(story, path, name, value):
    """The contract says filters are named like the fields; one that is ignored answers with what was not asked for."""
    answer = await story.admin.get(path, params={name: value})

    assert answer.status_code == 422 or all(str(one[name]).lower() == value.lower() for one in answer.json()["items"])


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (USERS, "role=god"),
        (BOTS, "status=gone"),
        (ACCOUNTS, "venue=mtgox"),
        (ACCOUNTS, "is_active=maybe"),
        (SUBSCRIPTIONS, "status=gone"),
        (EXECUTIONS, "state=filled"),
        (EXECUTIONS, f"symbol={'x' * 5_000}"),
    ],
)
async def test_a_filter_by_a_word_that_does_not_exist_is_refused(story, path, query):
    assert_error(await story.admin.get(f"{path}?{query}"), 422)


async def test_the_audit_tells_who_did_what_newest_first(story):
    person = await story.desk.person("provider")
    bot, _ = await story.desk.bot(person)

    lines = await story.admin.items(AUDIT, limit=5)

    assert (lines[0]["actor"], lines[0]["action"], lines[0]["subject"]) == (person.user.id, "bot.create", bot["id"])
    numbers = [one["number"] for one in lines]
    assert numbers == sorted(numbers, reverse=True)


async def test_the_audit_pages_down_to_its_first_line(story):
    numbers, cursor = [], None
    while True:
        query = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = (await story.admin.get(AUDIT, params=query)).json()
        numbers += [one["number"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert numbers == list(range(len(numbers), 0, -1))


async def test_every_write_leaves_a_line_in_the_audit(story):
    desk, admin = story.desk, await story.desk.person("admin")
    bot, _ = await desk.bot(admin)
    account = await desk.paper_account(admin)
    subscription = await desk.subscription(admin, bot, account)
    made = (await admin.post(USERS, json={"username": "ada.lovelace", "password": "x" * 12, "role": "follower"})).json()
    await admin.patch(f"{USERS}/{made['id']}", json={"status": "disabled"})
    await admin.patch(f"{BOTS}/{bot['id']}", json={"name": "renamed"})
    await admin.post(f"{BOTS}/{bot['id']}/rotate-secret")
    await admin.patch(f"{ACCOUNTS}/{account['id']}", json={"is_active": False})
    await admin.patch(f"{SUBSCRIPTIONS}/{subscription['id']}", json={"status": "paused"})
    await admin.delete(f"{SUBSCRIPTIONS}/{subscription['id']}")
    await admin.delete(f"{ACCOUNTS}/{account['id']}")
    await admin.delete(f"{BOTS}/{bot['id']}")

    lines = await admin.items(AUDIT, limit=500)

    assert [one["action"] for one in lines if one["actor"] == admin.user.id] == [
        "bot.archive",
        "account.delete",
        "subscription.delete",
        "subscription.change",
        "account.change",
        "bot.rotate_secret",
        "bot.change",
        "user.change",
        "user.create",
        "subscription.create",
        "account.create",
        "bot.create",
    ]
    assert await desk.hub.store.read(lambda tables: tables.audit.first_broken()) is None
