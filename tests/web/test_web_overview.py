"""The desk at a glance and the leaderboard over HTTP: right figures, and nothing of another's in them."""

from datetime import timedelta

import pytest
import pytest_asyncio

from web_support import ACCOUNTS, BOTS, EXECUTIONS, SIGNALS, assert_error, eventually, no_limits, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

DESK = "/api/v1/desk"
POSITIONS = "/api/v1/positions"


class Day:
    """A provider's bot with two followers (futures and paper); a round trip that gains, and an opening that stays."""

    async def play(self, desk, simulator):
        self.desk, self.simulator = desk, simulator
        self.admin, self.provider, self.stranger = [await desk.person(one) for one in ("admin", "provider", "provider")]
        self.ada, self.bob = await desk.person(username="ada"), await desk.person(username="bob")
        self.bot, self.secret = await desk.bot(self.provider, default_margin_usd="100", default_stop_loss_pct="2.5")
        self.futures = await desk.futures_account(self.ada, simulator)
        self.paper = await desk.paper_account(self.bob)
        await desk.subscription(self.ada, self.bot, self.futures)
        self.on_paper = await desk.subscription(self.bob, self.bot, self.paper)
        await self.alert("BTCUSDT", "buy", 2)
        await self.priced("BTCUSDT", "96200")
        await self.alert("BTCUSDT", "close", 2)
        self.signal = await self.alert("ETHUSDT", "buy", 2)
        await eventually(self._is_booked)
        return self

    async def alert(self, ticker, action, wanted):
        answer = await self.desk.alert(self.bot, self.secret, wait=2.5, ticker=ticker, action=action)
        assert answer.json()["broadcast_stats"]["successful_executions"] == wanted, answer.text
        return answer.json()["signal_id"]

    async def priced(self, symbol, price):
        """A venue's price is remembered for a moment: whoever closes next must see this one."""
        await self.simulator.tell("price", symbol=symbol, price=price, hold=True)

        async def known():
            found = await self.admin.items(POSITIONS, symbol=symbol, prices=True)
            return found if {one["last_price"] for one in found} == {price} else None

        return await eventually(known)

    async def _is_booked(self):
        return len(await self.admin.items(POSITIONS)) == 2

    @property
    def results(self):
        return f"{BOTS}/{self.bot['id']}/results"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day(simulator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("day")
    async with running_hub(folder, simulator_url=simulator.url, limits=no_limits()) as desk:
        yield await Day().play(desk, simulator)


async def told(person, path, **query):
    answer = await person.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_today_counts_for_each_what_concerns_them(day):
    everything, mine, nothing = [await told(one, f"{DESK}/today") for one in (day.provider, day.ada, day.stranger)]

    assert everything["signals_by_source"] == {"tradingview": 3}
    assert [everything[name] for name in ("success", "failed", "skipped", "pending")] == [6, 0, 0, 0]
    assert [everything[name] for name in ("trades", "won", "open_positions")] == [2, 2, 2]
    assert [mine[name] for name in ("signals", "success", "trades", "won", "open_positions")] == [3, 3, 1, 1, 1]
    assert float(mine["net_usd"]) < float(everything["net_usd"])
    assert nothing["signals"] == nothing["success"] == nothing["trades"] == nothing["open_positions"] == 0
    assert nothing["latency"] is None


async def test_the_latency_s_buckets_hold_every_answered_order_once(day):
    latency = (await told(day.admin, f"{DESK}/today"))["latency"]

    times = sorted(
        one["execution_time_ms"] for one in await day.admin.items(EXECUTIONS) if one["leg"] in {"open", "close"}
    )
    assert sum(one["count"] for one in latency["buckets"]) == len(times) == 6
    assert (latency["fastest_ms"], latency["slowest_ms"]) == (times[0], times[-1])
    assert latency["median_ms"] == times[2]
    assert latency["buckets"][-1]["up_to_ms"] is None


async def test_today_begins_when_one_says_within_the_last_week(day):
    now = day.desk.hub.clock.now()

    later = await told(day.admin, f"{DESK}/today", since=now.isoformat())
    refused = [await day.admin.get(f"{DESK}/today", params={"since": one}) for one in (
        (now - timedelta(days=8)).isoformat(),
        (now + timedelta(hours=1)).isoformat(),
        "2026-11-21T09:30:00",
    )]  # fmt: skip

    assert later["signals"] == 0
    assert all(assert_error(one, 422, "invalid_input") for one in refused)


async def test_a_glance_is_what_its_four_routes_tell_to_the_same_person(day):
    for person in (day.admin, day.provider, day.ada, day.stranger):
        glance = await told(person, f"{DESK}/glance")

        assert glance["today"] == await told(person, f"{DESK}/today")
        assert glance["alerts"] == await person.items(f"{DESK}/alerts")
        assert glance["breakers"] == await person.items("/api/v1/breaker")
        assert [one["id"] for one in glance["parts"]] == [one["id"] for one in (await told(person, DESK))["parts"]]

    refused = await day.admin.get(f"{DESK}/glance", params={"since": "2026-11-21T09:30:00"})
    assert_error(refused, 422, "invalid_input")


async def test_a_position_tells_its_result_so_far_and_hides_whose_it_is(day):
    everybody = await day.priced("ETHUSDT", "3400")
    seen = await day.provider.items(POSITIONS)

    for one in everybody:
        assert float(one["unrealised_usd"]) == pytest.approx(
            (3400 - float(one["entry_price"])) * float(one["quantity"])
        )
    assert {one["account_name"] for one in everybody} == {"Futures", "On paper"}
    assert {one["account_name"] for one in seen} == {None}
    assert {one["last_price"] for one in seen} == {None}
    assert [one["account_name"] for one in await day.bob.items(POSITIONS)] == ["On paper"]
    assert await day.stranger.items(POSITIONS) == []


async def test_pages_of_positions_lose_and_repeat_nothing(day):
    whole = await day.admin.items(POSITIONS)

    first = await told(day.admin, POSITIONS, limit=1, total=1)
    second = await told(day.admin, POSITIONS, limit=1, cursor=first["next"])

    assert [*first["items"], *second["items"]] == whole
    assert (first["total"], second["next"]) == (2, None)
    assert_error(await day.admin.get(POSITIONS, params={"cursor": "nonsense"}), 422)


async def test_the_parts_of_the_desk_are_lit_and_stay_so_since_a_moment(day):
    first, second = await told(day.ada, DESK), await told(day.ada, DESK)

    lights = {one["name"]: one for one in first["parts"]}
    assert lights["desk"]["kind"] == "executor"
    assert lights["binance-futures · simulator"]["light"] == "green"
    assert lights["binance-futures · simulator"]["accounts"] == 1
    assert "paper · simulator" not in lights
    assert [one["since"] for one in first["parts"]] == [one["since"] for one in second["parts"]]


async def test_a_terminal_that_goes_silent_turns_red_and_is_nobody_else_s_business(simulator, start_hub):
    async with start_hub(simulator_url=simulator.url) as desk:
        ada, bob, admin = await desk.person(username="ada"), await desk.person(), await desk.person("admin")
        report = {"login": 5012345, "server": "Demo", "connected": True, "trade_allowed": True}
        await ada.post("/mt5/status", json=report)

        async def copier(person):
            parts = (await told(person, DESK))["parts"]
            return next((one for one in parts if one["kind"] == "copier"), None)

        well = await copier(ada)
        await ada.post("/mt5/status", json=report | {"trade_allowed": False})
        off = await copier(ada)
        heard_at = desk.hub.clock.now()
        desk.hub.clock.forward(seconds=91)
        silent = await copier(admin)

        assert (well["light"], well["condition"], well["owner"]) == ("green", "well", "ada")
        assert (off["light"], off["condition"]) == ("amber", "trading_off")
        assert (silent["light"], silent["condition"]) == ("red", "silent")
        assert silent["since"] <= heard_at.isoformat()
        assert await copier(bob) is None
        assert [one["kind"] for one in await admin.items(f"{DESK}/alerts")] == ["part"]


async def test_a_pulled_breaker_is_an_alert_until_it_is_released(day):
    wish = {"scope": "account", "id": day.futures["id"]}
    await day.ada.post("/api/v1/breaker", json=wish | {"mode": "stop_opens"})

    mine, others = [await one.items(f"{DESK}/alerts") for one in (day.ada, day.bob)]
    await day.ada.post("/api/v1/breaker", json=wish | {"mode": "release"})

    assert [(one["kind"], one["detail"], one["account_id"]) for one in mine] == [
        ("breaker", "stop_opens", day.futures["id"])
    ]
    assert others == []
    assert await day.ada.items(f"{DESK}/alerts") == []


async def test_signals_tell_how_their_followers_fared_when_asked(day):
    everybody = {one["id"]: one for one in await day.provider.items(SIGNALS, fared=True)}
    mine = {one["id"]: one for one in await day.ada.items(SIGNALS, fared=True)}

    assert everybody[day.signal]["fared"] == {"success": 2, "failed": 0, "skipped": 0, "pending": 0}
    assert mine[day.signal]["fared"] == {"success": 1, "failed": 0, "skipped": 0, "pending": 0}
    assert "fared" not in (await day.ada.items(SIGNALS))[0]


async def test_the_leaderboard_shows_a_follower_the_own_result_only(day):
    rows = {
        one: (await told(one_of, f"{BOTS}/results"))["items"]
        for one, one_of in vars(day).items()
        if one in {"admin", "provider", "ada", "stranger"}
    }

    [everybody], [mine], [theirs] = rows["provider"], rows["ada"], rows["stranger"]
    assert (everybody["whose"], everybody["followers"], everybody["trades"], everybody["won"]) == ("everybody", 2, 2, 2)
    assert (mine["whose"], mine["followers"], mine["trades"]) == ("own", 1, 1)
    assert (theirs["whose"], theirs["followers"], theirs["trades"], theirs["curve"]) == ("own", 0, 0, [])
    assert rows["admin"] == rows["provider"]
    assert everybody["curve"][-1]["net_usd"] == everybody["net_usd"]


async def test_a_bot_s_results_name_followers_to_themselves_and_to_an_admin_only(day):
    provider, admin, ada = [await told(one, day.results) for one in (day.provider, day.admin, day.ada)]

    assert [one["name"] for one in provider["results"]] == [None, None]
    assert {one["name"] for one in admin["results"]} == {"ada", "bob"}
    assert [(one["name"], one["open_positions"], one["trades"]) for one in ada["results"]] == [("ada", 1, 1)]
    assert sum(float(one["net_usd"]) for one in provider["results"]) == pytest.approx(float(provider["net_usd"]))
    assert provider["results"][0]["net_usd"] >= provider["results"][1]["net_usd"]
    assert_error(await day.ada.get(day.results, params={"days": 0}), 422)


async def test_a_test_signal_reaches_paper_and_nothing_else(day):
    url = f"{BOTS}/{day.bot['id']}/test-signal"
    before = await day.simulator.orders_count()
    wish = {"symbol": "BTCUSDT", "action": "open_short"}

    answer = await day.provider.post(url, json=wish, params={"wait": 2.5})

    assert answer.status_code == 200, answer.text
    signal = await told(day.provider, f"{SIGNALS}/{answer.json()['signal_id']}")
    assert signal["source"] == "test"
    assert signal["payload"]["test"] is True
    rows = await day.provider.items(EXECUTIONS, signal_id=signal["id"], leg="open")
    by_account = {one["account_id"]: one for one in rows}
    assert by_account[day.paper["id"]]["state"] == "FILLED"
    assert by_account[day.futures["id"]]["state"] == "SKIPPED"
    assert by_account[day.futures["id"]]["reason"] == "A test signal goes to paper accounts only"
    assert await day.simulator.orders_count() == before


async def test_a_test_signal_leaves_the_bot_s_own_position_as_it_was(day):
    url = f"{BOTS}/{day.bot['id']}/test-signal"

    async def held():
        return await day.desk.hub.store.read(lambda tables: tables.signals.held_by_bot(day.bot["id"], "ETHUSDT"))

    before = await held()
    answer = await day.provider.post(url, json={"symbol": "ETHUSDT", "action": "close"}, params={"wait": 2.5})

    assert answer.status_code == 200, answer.text
    assert await held() is before
    assert before.value == "long"


async def test_only_the_bot_s_owner_and_an_admin_may_try_it(day):
    url = f"{BOTS}/{day.bot['id']}/test-signal"
    wish = {"symbol": "BTCUSDT"}

    assert_error(await day.stranger.post(url, json=wish), 404)
    assert_error(await day.ada.post(url, json=wish), 403)
    assert_error(await day.provider.post(url, json={"symbol": "NOSUCHCOIN"}), 422, "unknown_symbol")
    assert_error(await day.provider.post(url, json=wish | {"action": "reverse"}), 422)
    assert (await day.admin.post(url, json=wish)).status_code == 200


async def test_an_account_s_refused_key_is_its_owner_s_alert(simulator, start_hub):
    async with start_hub(simulator_url=simulator.url) as desk:
        ada, bob = await desk.person(), await desk.person()
        account = await desk.futures_account(ada, simulator)
        await desk.hub.store.write(
            lambda tables: tables.followers.refuse_key(account["id"], "the key is not known", desk.hub.clock.now())
        )

        [alert] = await ada.items(f"{DESK}/alerts")

        assert (alert["kind"], alert["light"], alert["detail"]) == ("key_refused", "red", "the key is not known")
        assert (alert["name"], alert["account_id"]) == ("Futures", account["id"])
        assert await bob.items(f"{DESK}/alerts") == []
        assert len(await ada.items(ACCOUNTS)) == 1
