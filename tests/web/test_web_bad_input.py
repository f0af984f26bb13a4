"""What nobody should send, to every route that writes: refused in words, and nothing of it is stored."""

import pytest
import pytest_asyncio

from web_support import ACCOUNTS, BOTS, PASSWORD, SUBSCRIPTIONS, USERS, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD = {
    "user": {"username": "grace.hopper", "password": PASSWORD, "role": "follower"},
    "bot": {"name": "A bot"},
    "account": {"name": "Paper", "venue": "paper", "environment": "simulator"},
    "subscription": {},
    "config": {"trade_copy": {}},
}
PATHS = {
    "user": USERS,
    "bot": BOTS,
    "account": ACCOUNTS,
    "subscription": SUBSCRIPTIONS,
    "config": "/users/config",
}
NAN, INFINITY = float("nan"), float("inf")
HUGE = 10**400
LONG = "x" * 3_000
OBJECTS = [[], {}, {"a": 1}, ["x"]]

BAD_TEXT = ["", "a\0b", LONG, 7, True, None, "tab\there", "half \ud800 pair"]
BAD_MONEY = ["", "x", "-1", -1, "NaN", NAN, INFINITY, "Infinity", "1e999", 1e300, HUGE, "1" * 40, "0." + "1" * 40, True]
BAD_COUNT = ["", "x", -1, 1.5, "1.5", NAN, INFINITY, "1e999", HUGE, "\N{ARABIC-INDIC DIGIT ONE}\0", [], {}]

BAD = {
    "user": {
        "username": [
            "ab",
            "a b c",
            "ad\0a",
            "\N{CYRILLIC SMALL LETTER A}da",
            "a" * 65,
            7,
            None,
            "ada\n",
            "a/../b",
            *OBJECTS,
        ],
        "password": ["short", "p" * 201, 7, None, "half \ud800 a pair", *OBJECTS],
        "role": ["", "god", "Admin", 1, None, *OBJECTS],
        "status": ["gone", 1, *OBJECTS],
        "allowed_mt5_id": ["x", 0, -1, 1.5, NAN, INFINITY, HUGE, 2**63, *OBJECTS],
        "mt5_path": ["a\0b", LONG, 7, *OBJECTS],
        "subscription": ["", "a\0b", LONG, 7, *OBJECTS],
        "is_admin": [True],
        "id": ["0" * 26],
        "password_hash": ["x"],
    },
    "bot": {
        "name": [*BAD_TEXT, *OBJECTS],
        "description": ["a\0b", LONG, 7, "half \ud800 pair", *OBJECTS],
        "market_type": ["", "forex", 1, *OBJECTS],
        "source": ["rss", "", 1, *OBJECTS],
        "master_webhook_path": [
            "",
            "ab",
            "a/b",
            "../x",
            "a b",
            "a\0bc",
            "x" * 101,
            "äöü",
            "abc?x=1",
            "abc\n",
            ".abc",
            7,
        ],
        "master_secret": ["", "short", "s" * 201, 7, "half \ud800 of a pair", *OBJECTS],
        "default_leverage": [0, 126, *BAD_COUNT],
        "default_margin_usd": [*BAD_MONEY, 10**10, *OBJECTS],
        "default_stop_loss_pct": [*BAD_MONEY, 100, *OBJECTS],
        "default_take_profit_pct": [*BAD_MONEY, 1001, *OBJECTS],
        "on_opposite": ["hold", 1, *OBJECTS],
        "open_freshness_s": [0, 301, *BAD_COUNT],
        "signature_v0": ["maybe", 7, *OBJECTS],
        "status": ["deleted", 1, *OBJECTS],
        "owner_id": ["0" * 26],
    },
    "account": {
        "name": [*BAD_TEXT, *OBJECTS],
        "venue": ["", "mtgox", "BINANCE-FUTURES", "http://evil.example", 1, None, *OBJECTS],
        "environment": ["", "prod", 1, None, *OBJECTS],
        "is_active": ["maybe", 7, *OBJECTS],
        "key_check": ["accepted"],
        "owner_id": ["0" * 26],
        "url": ["http://169.254.169.254/"],
    },
    "subscription": {
        "bot_id": ["", "x" * 41, 7, None, "0" * 26, "half \ud800", *OBJECTS],
        "exchange_account_id": ["", "x" * 41, 7, None, "0" * 26, "half \ud800", *OBJECTS],
        "custom_leverage": [0, 126, *BAD_COUNT],
        "custom_margin_usd": [*BAD_MONEY, *OBJECTS],
        "custom_stop_loss_pct": [*BAD_MONEY, 100, *OBJECTS],
        "custom_take_profit_pct": [*BAD_MONEY, 1001, *OBJECTS],
        "max_daily_loss_usd": [*BAD_MONEY, *OBJECTS],
        "max_concurrent_positions": BAD_COUNT,
        "status": ["gone", "", 1, *OBJECTS],
        "copy": [
            None,
            "x",
            [],
            {"margin_mode": "both"},
            {"on_unprotected": "pray"},
            {"unknown": 1},
            {"margin_mode": None},
        ],
        "owner_id": ["0" * 26],
    },
    "config": {
        "trade_copy": [
            None,
            "x",
            [],
            {"mode": "all-in"},
            {"fixed_lot": 0},
            {"fixed_lot": -1},
            {"fixed_lot": NAN},
            {"fixed_lot": "1e999"},
            {"fixed_lot": 1001},
            {"multiplier": INFINITY},
            {"multiplier": 0},
            {"max_slippage_points": -1},
            {"max_slippage_points": HUGE},
            {"max_spread_points": 1.5},
            {"max_orders_per_symbol": -1},
            {"max_exposure_trades": "x"},
            {"max_exposure_lots": "-0.01"},
            {"max_exposure_lots": "NaN"},
            {"unknown": 1},
        ],
        "role": ["admin"],
    },
}
CASES = [(kind, field, value) for kind, fields in BAD.items() for field, values in fields.items() for value in values]


def named(value):
    return ascii(value)[:24] if not isinstance(value, str) or len(value) < 24 else f"{len(value)} characters"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def writer(desk):
    """Writes a good thing of each kind with one part changed."""
    return Writer(desk, await desk.person("admin"))


class Writer:
    def __init__(self, desk, admin):
        self.desk = desk
        self.admin = admin
        self.ends = {}

    async def body(self, kind):
        if kind != "subscription":
            return GOOD[kind]
        if not self.ends:
            bot, _ = await self.desk.bot(self.admin)
            account = await self.desk.paper_account(self.admin)
            self.ends = {"bot_id": bot["id"], "exchange_account_id": account["id"]}
        return self.ends

    async def stored(self, kind):
        if kind == "config":
            return (await self.admin.get("/users/me/config")).json()
        return (await self.admin.get(PATHS[kind], params={"total": 1, "limit": 1})).json()


@pytest.mark.parametrize(("kind", "field", "value"), CASES, ids=named)
async def test_a_bad_value_is_refused_in_words_and_nothing_is_stored(writer, kind, field, value):
    body = await writer.body(kind)
    before = await writer.stored(kind)

    answer = await writer.admin.post(PATHS[kind], json={**body, field: value})

    error = assert_error(answer, 422)
    assert error["details"]["fields"]
    assert any(field in one["field"] for one in error["details"]["fields"]), error
    assert await writer.stored(kind) == before


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, name) for kind in GOOD for name in (GOOD[kind] if kind != "config" else ())]
)
async def test_a_field_that_is_needed_and_missing_is_named(writer, kind, field):
    body = {name: value for name, value in GOOD[kind].items() if name != field}

    error = assert_error(await writer.admin.post(PATHS[kind], json=body), 422)

    assert field in [one["field"] for one in error["details"]["fields"]]


BODIES = {
    "empty": (b"", "application/json"),
    "half JSON": (b'{"name": "x"', "application/json"),
    "not UTF-8": (b'{"name": "\xff\xfe"}', "application/json"),
    "a list": (b"[]", "application/json"),
    "a text": (b'"x"', "application/json"),
    "null": (b"null", "application/json"),
    "a form": (b"name=x&role=admin", "application/x-www-form-urlencoded"),
    "plain text": (b'{"name": "x"}', "text/plain"),
    "without a type": (b"{}x", ""),
    "XML": (b"<name>x</name>", "application/xml"),
    "a number of 5,000 digits": (b'{"name": ' + b"1" * 5_000 + b"}", "application/json"),
    "two documents": (b"{}{}", "application/json"),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("kind", GOOD)
async def test_a_body_that_is_no_json_object_is_refused_in_the_one_shape(writer, kind, body):
    content, content_type = BODIES[body]
    before = await writer.stored(kind)

    answer = await writer.admin.post(PATHS[kind], content=content, headers={"Content-Type": content_type})

    assert answer.status_code in {400, 415, 422}, answer.text
    assert_error(answer, answer.status_code)
    assert await writer.stored(kind) == before


@pytest.mark.parametrize("kind", GOOD)
async def test_an_unknown_field_with_half_a_surrogate_pair_in_its_name_is_a_client_error(writer, kind):
    assert_error(await writer.admin.post(PATHS[kind], json={**await writer.body(kind), "x\ud800": 1}), 422)


PATCHES = [
    (BOTS, "default_leverage", 0),
    (BOTS, "default_leverage", NAN),
    (BOTS, "default_margin_usd", "-1"),
    (BOTS, "default_margin_usd", INFINITY),
    (BOTS, "name", ""),
    (BOTS, "name", "a\0b"),
    (BOTS, "status", "gone"),
    (BOTS, "master_webhook_path", "../x"),
    (BOTS, "source", "rest"),
    (BOTS, "name", None),
    (BOTS, "default_leverage", None),
    (BOTS, "owner_id", "x"),
    (BOTS, "master_secret", "another secret of mine"),
    (ACCOUNTS, "name", ""),
    (ACCOUNTS, "name", "a\0b"),
    (ACCOUNTS, "is_active", "maybe"),
    (ACCOUNTS, "environment", "live"),
    (ACCOUNTS, "name", None),
    (ACCOUNTS, "venue", "binance-futures"),
    (ACCOUNTS, "key_check", "accepted"),
    (SUBSCRIPTIONS, "custom_leverage", 0),
    (SUBSCRIPTIONS, "custom_margin_usd", NAN),
    (SUBSCRIPTIONS, "max_daily_loss_usd", "1e999"),
    (SUBSCRIPTIONS, "max_concurrent_positions", -1),
    (SUBSCRIPTIONS, "status", "gone"),
    (SUBSCRIPTIONS, "bot_id", "x"),
    (SUBSCRIPTIONS, "status", None),
    (SUBSCRIPTIONS, "copy", None),
    (SUBSCRIPTIONS, "copy", {"margin_mode": "both"}),
    (USERS, "role", "god"),
    (USERS, "password", "short"),
    (USERS, "username", "a b"),
    (USERS, "username", None),
    (USERS, "role", None),
    (USERS, "subscription", None),
    (USERS, "allowed_mt5_id", -1),
    (USERS, "mt5_path", "a\0b"),
]


@pytest.mark.parametrize(("path", "field", "value"), PATCHES, ids=named)
async def test_a_bad_change_is_refused_and_the_thing_stays_as_it_was(writer, path, field, value):
    bot, _ = await writer.desk.bot(writer.admin)
    account = await writer.desk.paper_account(writer.admin)
    subscription = await writer.desk.subscription(writer.admin, bot, account)
    thing = {BOTS: bot["id"], ACCOUNTS: account["id"], SUBSCRIPTIONS: subscription["id"], USERS: writer.admin.user.id}
    before = (await writer.admin.get(f"{path}/{thing[path]}")).json()

    answer = await writer.admin.patch(f"{path}/{thing[path]}", json={field: value})

    assert_error(answer, 422)
    assert (await writer.admin.get(f"{path}/{thing[path]}")).json() == before


@pytest.mark.parametrize("field", ["fixed_lot", "multiplier", "max_exposure_lots"])
async def test_a_number_cannot_be_blown_up_by_its_exponent(writer, field):
    """1E-300000 is ten bytes that become 300,000 when they are written out; 1E-999999999 takes the memory."""
    answer = await writer.admin.post("/users/config", json={"trade_copy": {field: "1E-300000"}})

    assert_error(answer, 422)


@pytest.mark.parametrize(
    "path", [BOTS, ACCOUNTS, SUBSCRIPTIONS, USERS, "/api/v1/bot-signals", "/api/v1/bot-signal-executions"]
)
@pytest.mark.parametrize(
    "thing", ["x", "%00", "%F0%9F%92%A9", "' OR 1=1 --", "0" * 5_000, "..%2F..%2Fetc", "%ED%A0%80"]
)
async def test_an_id_that_cannot_be_one_is_a_404_and_no_more(writer, path, thing):
    assert_error(await writer.admin.get(f"{path}/{thing}"), 404)
