"""The webhook as TradingView and as strangers use it: who may speak, what is understood, what is answered."""

import asyncio
import json

import pytest

from web_support import EXECUTIONS, SIGNALS, WEBHOOK, assert_error, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATS = {"total_subscribers", "successful_executions", "failed_executions", "skipped", "duration_ms"}


async def new_bot(desk, **wish):
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider, **wish)
    return provider, bot, secret


async def send(desk, bot, body, **query):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await desk.nobody.post(f"{WEBHOOK}/{bot['master_webhook_path']}", content=content, params=query)


async def test_an_alert_is_answered_with_the_contract_s_words(desk):
    provider, bot, secret = await new_bot(desk, name="Wave rider")

    answer = await desk.alert(bot, secret, price="95200.5")

    assert answer.status_code == 200
    body = answer.json()
    assert set(body) >= {"success", "bot_name", "signal_id", "status", "broadcast_stats", "timestamp"}
    assert body["success"] is True
    assert body["bot_name"] == "Wave rider"
    assert body["status"] == "accepted"
    assert body["timestamp"].endswith("Z")
    assert body["broadcast_stats"] == dict.fromkeys(STATS) | {"total_subscribers": 0}
    signal = (await provider.get(f"{SIGNALS}/{body['signal_id']}")).json()
    assert (signal["bot_id"], signal["source"], signal["symbol"]) == (bot["id"], "tradingview", "BTCUSDT")
    assert signal["price"] == "95200.5"
    assert signal["received_at"].endswith("Z")


@pytest.mark.parametrize("name", ["secret", "passphrase", "signalToken", "token", "key"])
async def test_the_secret_may_go_by_any_of_its_names_and_is_not_kept(desk, name):
    provider, bot, secret = await new_bot(desk)

    answer = await send(desk, bot, {name: secret, "ticker": "BTCUSDT", "action": "buy", "note": "kept"})

    assert answer.status_code == 200
    signal = await provider.get(f"{SIGNALS}/{answer.json()['signal_id']}")
    assert secret not in signal.text
    assert signal.json()["payload"] == {"ticker": "BTCUSDT", "action": "buy", "note": "kept"}


async def test_the_secret_may_stand_in_the_address_of_a_body_that_holds_none(desk):
    _, bot, secret = await new_bot(desk)
    alert = {"ticker": "BTCUSDT", "action": "buy"}

    assert (await send(desk, bot, alert, secret=secret)).status_code == 200
    assert_error(await send(desk, bot, alert, secret=secret + "x"), 401)
    assert_error(await send(desk, bot, alert | {"secret": "wrong"}, secret=secret), 401)


@pytest.mark.parametrize("place", ["nested", "beside"])
async def test_the_secret_is_removed_from_wherever_it_stands_in_the_payload(desk, place):
    provider, bot, secret = await new_bot(desk)
    more = {"strategy_info": {"passphrase": secret}} if place == "nested" else {"comment": f"auth={secret}"}

    answer = await send(desk, bot, {"secret": secret, "ticker": "BTCUSDT", "action": "buy", **more})

    signal = await provider.get(f"{SIGNALS}/{answer.json()['signal_id']}")
    assert secret not in signal.text


async def test_every_way_of_not_knowing_the_secret_gets_the_same_answer(desk):
    _, bot, secret = await new_bot(desk)
    alert = {"ticker": "BTCUSDT", "action": "buy"}
    path = bot["master_webhook_path"]

    answers = [
        await desk.nobody.post(f"{WEBHOOK}/{path}", json={**alert, "secret": "wrong"}),
        await desk.nobody.post(f"{WEBHOOK}/{path}", json=alert),
        await desk.nobody.post(f"{WEBHOOK}/{path}", content=b""),
        await desk.nobody.post(f"{WEBHOOK}/{path}", content=secret.encode()),
        await desk.nobody.post(f"{WEBHOOK}/{path}", json={**alert, "secret": ""}),
        await desk.nobody.post(f"{WEBHOOK}/{path}", json={**alert, "secret": [secret]}),
        await desk.nobody.post(f"{WEBHOOK}/{path}", json={**alert, "secret": secret[:-1]}),
        await desk.nobody.post(
            f"{WEBHOOK}/{path}", json=[{**alert, "secret": secret[:-1]}, {**alert, "secret": secret}]
        ),
        await desk.nobody.post(f"{WEBHOOK}/{path}", content=b"buy BTCUSDT"),
        await desk.nobody.post(f"{WEBHOOK}/{path}", content=f"wrong\nbuy BTCUSDT\n{secret}".encode()),
        await desk.nobody.post(f"{WEBHOOK}/{path}", content=f"secret={secret}x;symbol=BTCUSDT;action=buy".encode()),
        await desk.nobody.post(f"{WEBHOOK}/{path.upper()}", json={**alert, "secret": secret}),
        await desk.nobody.post(f"{WEBHOOK}/no-such-path", json={**alert, "secret": secret}),
        await desk.nobody.post(f"{WEBHOOK}/%00", json={**alert, "secret": secret}),
        await desk.nobody.post(f"{WEBHOOK}/{'x' * 5_000}", json={**alert, "secret": secret}),
    ]

    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    assert_error(answers[0], 401, "unauthorized")


async def test_another_bot_s_secret_opens_nothing_here(desk):
    _, one, _ = await new_bot(desk)
    _, _, secret = await new_bot(desk)

    assert_error(await desk.alert(one, secret), 401)


@pytest.mark.parametrize("secret", ["half \ud800 of a pair of characters", "\ud800" * 40], ids=["within", "whole"])
async def test_half_a_surrogate_pair_in_a_secret_is_a_wrong_secret(desk, secret):
    _, bot, _ = await new_bot(desk)

    assert_error(await desk.alert(bot, secret), 401)


NOT_UNDERSTOOD = {
    "no symbol": ({"ticker": None}, "ticker"),
    "no action": ({"action": None}, "action"),
    "an empty symbol": ({"ticker": " "}, "ticker"),
    "an action nobody knows": ({"action": "hodl"}, "action"),
    "open without a side": ({"action": "open"}, "action"),
    "a symbol that cannot be one": ({"ticker": "../../etc"}, "ticker"),
    "a symbol with NUL": ({"ticker": "BTC\0USDT"}, "ticker"),
    "a symbol of 3,000 characters": ({"ticker": "B" * 3_000}, "ticker"),
    "a symbol of half a pair": ({"ticker": "BTC\ud800"}, "ticker"),
    "a symbol of another script": ({"ticker": "ВТСUSDT"}, "ticker"),
    "a symbol nobody trades": ({"ticker": "BTCUSTD"}, "ticker"),
    "a list for a symbol": ({"ticker": ["BTCUSDT"]}, "ticker"),
    "a price that is none": ({"price": "cheap"}, "price"),
    "an infinite price": ({"price": "Infinity"}, "price"),
    "a price of 1e999": ({"price": float("inf")}, "price"),
    "a price in an object": ({"price": {"a": 1}}, "price"),
    "a placeholder": ({"action": "{{strategy.order.action}}"}, "body"),
    "a position nobody knows": ({"market_position": "sideways"}, "market_position"),
    "a size that is none": ({"market_position": "long", "market_position_size": "big"}, "market_position_size"),
}


@pytest.mark.parametrize("case", NOT_UNDERSTOOD)
async def test_an_alert_that_is_not_understood_is_a_422_with_what_was_missing(desk, case):
    words, field = NOT_UNDERSTOOD[case]
    provider, bot, secret = await new_bot(desk)
    body = {"secret": secret, "ticker": "BTCUSDT", "action": "buy"} | words

    answer = await send(desk, bot, {name: value for name, value in body.items() if value is not None})

    error = assert_error(answer, 422)
    assert field in [one["field"] for one in error["details"]["fields"]]
    assert secret not in answer.text
    assert len(answer.text) < 2_000
    assert await provider.items(SIGNALS) == []


@pytest.mark.parametrize("price", ["1E+300000", "1E-300000"])
async def test_a_price_that_no_market_has_is_refused_before_it_is_written_out(desk, price):
    """1E+999999999 is twelve bytes of text; written out it is a gigabyte in the writer of the database."""
    _, bot, secret = await new_bot(desk)

    assert_error(await desk.alert(bot, secret, price=price), 422)


async def test_sizes_too_large_to_reckon_with_are_a_client_error(desk):
    _, bot, secret = await new_bot(desk)
    before = {"market_position": "long", "prev_market_position": "long", "prev_market_position_size": "1E+9999999"}
    await desk.alert(bot, secret)

    answer = await desk.alert(bot, secret, **before, market_position_size="2")

    assert_error(answer, 422)


@pytest.mark.parametrize("body", [b"BTCUSDT hodl", b"", b"[]", b"null", b"7", b'"BTCUSDT"', b"\xff\xfe\x00", b"{"])
async def test_a_body_that_says_nothing_is_a_422_for_who_knows_the_secret(desk, body):
    _, bot, secret = await new_bot(desk)

    assert_error(await send(desk, bot, body, secret=secret), 422)


async def test_a_repeat_within_a_day_is_answered_with_the_first_signal(start_hub, simulator):
    async with start_hub(simulator_url=simulator.url) as desk:
        provider, bot, secret = await new_bot(desk)
        first = (await desk.alert(bot, secret, id="order-17")).json()

        desk.hub.clock.forward(hours=23)
        again = await desk.alert(bot, secret, id="order-17")
        desk.hub.clock.forward(hours=2)
        later = (await desk.alert(bot, secret, id="order-17")).json()

        assert again.status_code == 200
        assert again.json()["signal_id"] == first["signal_id"]
        assert again.json()["duplicate"] is True
        assert first["duplicate"] is False
        assert later["duplicate"] is False
        assert later["signal_id"] != first["signal_id"]
        hour_old = provider.running.hub.tokens.access(provider.user, desk.hub.clock.now())
        provider.token = hour_old
        assert len(await provider.items(SIGNALS)) == 2


async def test_the_same_body_within_a_minute_is_a_repeat_and_later_is_new(start_hub, simulator):
    async with start_hub(simulator_url=simulator.url) as desk:
        _, bot, secret = await new_bot(desk)
        body = {"secret": secret, "ticker": "BTCUSDT", "action": "buy"}

        first = (await send(desk, bot, body)).json()
        again = (await send(desk, bot, body)).json()
        desk.hub.clock.forward(seconds=61)
        later = (await send(desk, bot, body)).json()

        assert (again["signal_id"], again["duplicate"]) == (first["signal_id"], True)
        assert later["duplicate"] is False


@pytest.mark.parametrize("body", ["its own id", "nothing but its words"])
async def test_one_alert_four_times_or_a_hundred_at_once_is_one_signal_and_the_next_day_another(
    start_hub, simulator, body
):
    async with start_hub(simulator_url=simulator.url) as desk:
        provider, bot, secret = await new_bot(desk)
        alert = {"secret": secret, "ticker": "BTCUSDT", "action": "buy"}
        alert |= {"id": "order-1"} if body == "its own id" else {}

        four = [(await send(desk, bot, alert)).json() for _ in range(4)]
        answers = await asyncio.gather(*(send(desk, bot, alert) for _ in range(96)))
        assert [one.text for one in answers if one.status_code != 200] == []
        hundred = [one.json() for one in answers]
        desk.hub.clock.forward(days=1, seconds=1)
        provider.token = provider.running.hub.tokens.access(provider.user, desk.hub.clock.now())
        next_day = (await send(desk, bot, alert)).json()

        assert {one["signal_id"] for one in [*four, *hundred]} == {four[0]["signal_id"]}
        assert [one["duplicate"] for one in four] == [False, True, True, True]
        assert next_day["duplicate"] is False
        assert len(await provider.items(SIGNALS)) == 2


async def test_one_id_at_two_bots_is_two_signals(desk):
    _, one, first_secret = await new_bot(desk)
    _, two, second_secret = await new_bot(desk)

    first = (await desk.alert(one, first_secret, id="same")).json()
    second = (await desk.alert(two, second_secret, id="same")).json()

    assert second["duplicate"] is False
    assert first["signal_id"] != second["signal_id"]


async def test_an_alert_that_was_refused_may_be_sent_again_once_it_is_right(desk):
    _, bot, secret = await new_bot(desk)
    assert_error(await desk.alert(bot, secret, id="mended", action="hodl"), 422)

    answer = await desk.alert(bot, secret, id="mended")

    assert answer.json()["duplicate"] is False


async def test_waiting_fills_the_numbers_with_what_came_of_it(desk, simulator):
    _, bot, secret = await new_bot(desk)
    filled, paper, idle = [await desk.person() for _ in range(3)]
    await desk.subscription(filled, bot, await desk.futures_account(filled, simulator))
    await desk.subscription(paper, bot, await desk.paper_account(paper))
    await desk.subscription(idle, bot, await desk.paper_account(idle), status="close_only")

    stats = (await desk.alert(bot, secret, wait=2.5)).json()["broadcast_stats"]

    assert set(stats) == STATS
    assert {name: stats[name] for name in STATS - {"duration_ms"}} == {
        "total_subscribers": 3,
        "successful_executions": 2,
        "failed_executions": 0,
        "skipped": 1,
    }
    assert 0 <= stats["duration_ms"] < 2_500
    execution = (await filled.items(EXECUTIONS, leg="open"))[0]
    assert (execution["state"], execution["status"]) == ("FILLED", "success")


async def test_waiting_counts_a_refused_order_as_failed(desk, simulator):
    _, bot, secret = await new_bot(desk, default_margin_usd=1_000_000)
    follower = await desk.person()
    await desk.subscription(follower, bot, await desk.futures_account(follower, simulator))

    stats = (await desk.alert(bot, secret, wait=2.5)).json()["broadcast_stats"]

    assert stats["total_subscribers"] == 1
    assert stats["successful_executions"] == 0
    assert stats["failed_executions"] + stats["skipped"] == 1


async def test_waiting_for_a_reversal_means_both_of_its_legs(desk):
    """A close and an opening a follower: an answer after the close alone would call an unfinished reversal done."""
    _, bot, secret = await new_bot(desk, on_opposite="reverse")
    follower = await desk.person()
    await desk.subscription(follower, bot, await desk.paper_account(follower))
    await desk.alert(bot, secret, wait=2.5)

    stats = (await desk.alert(bot, secret, action="sell", wait=2.5)).json()["broadcast_stats"]

    assert stats["successful_executions"] == 2 * stats["total_subscribers"]


async def test_waiting_with_nobody_following_answers_at_once_with_zeros(desk):
    _, bot, secret = await new_bot(desk)

    stats = (await desk.alert(bot, secret, wait=2.5)).json()["broadcast_stats"]

    assert {stats[name] for name in STATS - {"duration_ms"}} == {0}
    assert stats["duration_ms"] < 1_000


async def test_waiting_for_a_signal_that_changes_nothing_does_not_take_the_whole_time(desk):
    _, bot, secret = await new_bot(desk)
    follower = await desk.person()
    await desk.subscription(follower, bot, await desk.paper_account(follower))
    position = {"market_position": "long", "market_position_size": 1}
    await desk.alert(bot, secret, wait=2, **position)

    same = {**position, "prev_market_position": "long", "prev_market_position_size": 1}
    answer = await desk.alert(bot, secret, wait=2, **same)

    assert answer.status_code == 200
    assert answer.json()["broadcast_stats"]["duration_ms"] < 1_500


@pytest.mark.parametrize("wait", ["2.6", "-1", "nan", "inf", "x", "", "1e999"])
async def test_a_wait_that_tradingview_would_not_sit_out_is_refused(desk, wait):
    _, bot, secret = await new_bot(desk)

    answer = await desk.alert(bot, secret, wait=wait)

    assert_error(answer, 422)


HOSTILE = {
    "NaN": {"note": float("nan")},
    "Infinity": {"note": float("inf")},
    "half a pair in a name": {"a\ud800": 1},
    "NUL": {"note": "a\0b", "a\0": 1},
    "a huge number": {"note": 10**400},
    "markup": {"note": "<script>alert(1)</script>"},
    "seventeen levels": {"note": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]},
}


@pytest.mark.parametrize("case", [*HOSTILE, "half a pair"])
async def test_whatever_an_alert_carries_can_be_read_again(desk, case):
    """One alert that is stored and cannot be written out would close the list of signals for its provider and admins."""
    provider, bot, secret = await new_bot(desk)
    words = HOSTILE.get(case, {"note": "a\ud800b"})

    answer = await send(desk, bot, {"secret": secret, "ticker": "BTCUSDT", "action": "buy"} | words)

    assert answer.status_code in {200, 422}, answer.text
    listed = await provider.get(SIGNALS)
    assert listed.status_code == 200, listed.text
    assert len(listed.json()["items"]) == (1 if answer.status_code == 200 else 0)


@pytest.mark.parametrize("name", ["id", "order_id"])
async def test_half_a_surrogate_pair_in_an_id_is_no_server_error(desk, name):
    _, bot, secret = await new_bot(desk)

    answer = await send(
        desk, bot, {"secret": secret, "ticker": "BTCUSDT", "action": "buy", name: "\ud800", "timenow": "1"}
    )

    assert answer.status_code in {200, 422}, answer.text


@pytest.mark.parametrize("market_type", ["spot", "mt5", "options"])
async def test_a_bot_of_another_market_does_not_trade_futures(desk, simulator, market_type):
    """`market_type` says what a bot's symbols are: a futures account must not open a position for it."""
    _, bot, secret = await new_bot(desk, market_type=market_type)
    follower = await desk.person()
    account = await desk.futures_account(follower, simulator)
    answer = await follower.post(
        "/api/v1/bot-subscriptions", json={"bot_id": bot["id"], "exchange_account_id": account["id"]}
    )

    if answer.status_code == 201:
        await desk.alert(bot, secret, wait=2)
        states = [one["state"] for one in await follower.items(EXECUTIONS)]
        assert "FILLED" not in states


async def test_a_venue_that_cannot_be_asked_for_its_symbols_loses_no_alert(start_hub):
    async with start_hub(simulator_url="http://127.0.0.1:9") as desk:
        provider, bot, secret = await new_bot(desk)

        answer = await desk.alert(bot, secret)

        assert answer.status_code == 200
        assert len(await provider.items(SIGNALS)) == 1


async def test_a_signal_that_nobody_waits_for_is_copied_all_the_same(desk):
    _, bot, secret = await new_bot(desk)
    follower = await desk.person()
    await desk.subscription(follower, bot, await desk.paper_account(follower))

    answer = (await desk.alert(bot, secret)).json()

    assert answer["broadcast_stats"]["total_subscribers"] == 1

    async def filled():
        return [
            one for one in await follower.items(EXECUTIONS, signal_id=answer["signal_id"]) if one["state"] == "FILLED"
        ]

    assert await eventually(filled)
