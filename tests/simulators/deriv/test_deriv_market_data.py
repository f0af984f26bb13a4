"""Symbols, ticks, candles, and their streams."""

import re
from itertools import pairwise

import pytest

START_S = 1_767_225_600
SUBSCRIPTION = re.compile(r"^[\w-]{32,128}$")


async def test_symbols_have_what_clients_need_of_them(venue):
    socket = await venue.connect()

    rows = {row["symbol"]: row for row in (await socket.ask(active_symbols="brief"))["active_symbols"]}

    assert {"R_10", "R_25", "R_50", "R_75", "R_100", "1HZ10V", "1HZ100V"} == rows.keys()
    assert rows["R_100"]["pip"] == 0.01
    assert rows["R_100"]["display_name"] == "Volatility 100 Index"
    assert rows["1HZ100V"]["market"] == "synthetic_index"
    assert rows["1HZ100V"]["submarket"] == "random_index"
    assert rows["1HZ100V"]["exchange_is_open"] == 1
    assert "spot" not in rows["R_100"]
    assert (await socket.ask(active_symbols="full"))["active_symbols"][0]["spot"] > 0


async def test_contracts_for_tells_what_can_be_bought_and_how_long(venue):
    socket = await venue.connect()

    found = (await socket.ask(contracts_for="R_100"))["contracts_for"]

    assert found["hit_count"] == len(found["available"])
    ticks = [row for row in found["available"] if row["expiry_type"] == "tick" and row["contract_type"] == "CALL"]
    assert {(row["min_contract_duration"], row["max_contract_duration"]) for row in ticks} == {("1t", "10t")}
    assert {row["contract_type"] for row in found["available"]} == {"CALL", "PUT", "CALLE", "PUTE"}
    assert (await socket.error(contracts_for="frxEURUSD"))["code"] == "InvalidSymbol"


async def test_a_tick_is_told_once_without_a_subscription(venue):
    socket = await venue.connect()

    answer = await socket.ask(ticks="R_100")
    await venue.pass_time(10)

    tick = answer["tick"]
    assert answer["msg_type"] == "tick"
    assert tick["symbol"] == "R_100"
    assert tick["pip_size"] == 2
    assert tick["bid"] < tick["quote"] < tick["ask"]
    assert "id" not in tick
    assert "subscription" not in answer
    assert await socket.settled() == []


async def test_ticks_come_every_two_seconds_or_every_second_with_the_request_repeated(venue):
    socket = await venue.connect()
    slow = await socket.ask(ticks="R_100", subscribe=1)
    fast = await socket.ask(ticks="1HZ100V", subscribe=1)

    await venue.pass_time(4)
    heard = await socket.settled()

    of_slow = [each for each in heard if each["req_id"] == slow["req_id"]]
    of_fast = [each for each in heard if each["req_id"] == fast["req_id"]]
    assert [each["tick"]["epoch"] - START_S for each in of_slow] == [2, 4]
    assert [each["tick"]["epoch"] - START_S for each in of_fast] == [1, 2, 3, 4]
    assert all(each["echo_req"] == {"ticks": "R_100", "subscribe": 1, "req_id": slow["req_id"]} for each in of_slow)
    assert {each["subscription"]["id"] for each in of_slow} == {slow["subscription"]["id"]}
    assert {each["tick"]["id"] for each in of_slow} == {slow["subscription"]["id"]}
    assert SUBSCRIPTION.match(slow["subscription"]["id"])
    assert slow["subscription"]["id"] != fast["subscription"]["id"]


async def test_several_symbols_make_several_streams_of_one_request(venue):
    socket = await venue.connect()

    first = await socket.ask(ticks=["R_100", "R_50"], subscribe=1)
    second = await socket.next("tick")

    assert [first["tick"]["symbol"], second["tick"]["symbol"]] == ["R_100", "R_50"]
    assert first["subscription"]["id"] != second["subscription"]["id"]
    assert first["req_id"] == second["req_id"]


async def test_the_same_stream_twice_is_refused_and_the_first_one_goes_on(venue):
    socket = await venue.connect()
    await socket.ask(ticks="1HZ100V", subscribe=1)

    error = await socket.error(ticks=["R_50", "1HZ100V"], subscribe=1)
    await venue.pass_time(1)

    assert error["code"] == "AlreadySubscribed"
    assert (await socket.next("tick"))["tick"]["epoch"] == START_S + 1
    assert (await socket.ask(forget_all="ticks"))["forget_all"] != []


@pytest.mark.parametrize("symbol", ["frxEURUSD", "R_101"])
async def test_a_symbol_that_is_not_traded_is_invalid(venue, symbol):
    socket = await venue.connect()

    assert (await socket.error(ticks=symbol))["code"] == "InvalidSymbol"
    assert (await socket.error(ticks_history=symbol, end="latest"))["code"] == "InvalidSymbol"


async def test_history_of_ticks_ends_with_the_newest_one(venue):
    socket = await venue.connect()
    await venue.pass_time(10)

    answer = await socket.ask(ticks_history="R_100", end="latest", count=5)

    assert answer["msg_type"] == "history"
    assert answer["pip_size"] == 2
    assert [at - START_S for at in answer["history"]["times"]] == [2, 4, 6, 8, 10]
    assert answer["history"]["prices"][-1] == (await socket.ask(ticks="R_100"))["tick"]["quote"]


async def test_history_keeps_to_the_bounds_it_is_given(venue):
    socket = await venue.connect()

    within = await socket.ask(ticks_history="R_100", start=START_S - 100, end=str(START_S - 90))
    default = await socket.ask(ticks_history="R_100", end="latest")
    error = await socket.error(ticks_history="R_100", start=START_S, end=START_S - 1)

    assert [at - START_S for at in within["history"]["times"]] == [-100, -98, -96, -94, -92, -90]
    assert len(default["history"]["times"]) == 1_000
    assert error["code"] == "InputValidationFailed"


async def test_candles_are_numbers_and_the_last_one_is_still_open(venue):
    socket = await venue.connect()
    await venue.pass_time(90)

    answer = await socket.ask(ticks_history="1HZ100V", style="candles", granularity=60, count=3, end="latest")
    await venue.pass_time(5)
    later = await socket.ask(ticks_history="1HZ100V", style="candles", granularity=60, count=3, end="latest")

    assert answer["msg_type"] == "candles"
    assert [each["epoch"] - START_S for each in answer["candles"]] == [-60, 0, 60]
    assert all(isinstance(each["close"], float) for each in answer["candles"])
    assert later["candles"][:2] == answer["candles"][:2]
    assert later["candles"][2] != answer["candles"][2]


async def test_candles_are_made_of_the_ticks_that_were_told(venue):
    socket = await venue.connect()
    await venue.pass_time(180)

    ticks = (await socket.ask(ticks_history="1HZ100V", start=START_S + 60, end=START_S + 119))["history"]["prices"]
    candles = (
        await socket.ask(
            ticks_history="1HZ100V", style="candles", granularity=60, start=START_S + 60, end=str(START_S + 119)
        )
    )["candles"]

    assert len(ticks) == 60
    assert candles == [
        {"epoch": START_S + 60, "open": ticks[0], "high": max(ticks), "low": min(ticks), "close": ticks[-1]}
    ]


async def test_a_stream_of_candles_tells_texts_and_begins_a_new_one_in_time(venue):
    socket = await venue.connect()
    first = await socket.ask(
        ticks_history="1HZ100V", style="candles", granularity=60, count=1, end="latest", subscribe=1
    )

    await venue.pass_time(61)
    heard = [each for each in await socket.settled() if each["msg_type"] == "ohlc"]

    assert len(heard) == 61
    candle = heard[0]["ohlc"]
    assert candle["open_time"] == START_S
    assert candle["epoch"] == START_S + 1
    assert all(isinstance(candle[name], str) for name in ("open", "high", "low", "close"))
    assert candle["granularity"] == 60
    assert candle["id"] == first["subscription"]["id"] == heard[0]["subscription"]["id"]
    assert heard[0]["req_id"] == first["req_id"]
    assert [each["ohlc"]["open_time"] - START_S for each in heard[-3:]] == [0, 60, 60]


async def test_ticks_and_candles_are_forgotten_one_by_one_or_all(venue):
    socket = await venue.connect()
    one = (await socket.ask(ticks="R_100", subscribe=1))["subscription"]["id"]
    two = (await socket.ask(ticks="R_50", subscribe=1))["subscription"]["id"]
    three = (await socket.ask(ticks_history="R_100", style="candles", end="latest", subscribe=1))["subscription"]["id"]

    assert (await socket.ask(forget=one))["forget"] == 1
    assert (await socket.ask(forget=one))["forget"] == 0
    assert (await socket.ask(forget_all="balance"))["forget_all"] == []
    assert sorted((await socket.ask(forget_all=["ticks", "candles"]))["forget_all"]) == sorted([two, three])
    await venue.pass_time(4)
    assert await socket.settled() == []


async def test_the_same_seed_gives_the_same_prices_and_another_one_others(start_deriv):
    async def prices(seed):
        async with start_deriv(virtual_time=True, seed=seed) as venue:
            socket = await venue.connect()
            await venue.pass_time(60)
            return (await socket.ask(ticks_history="R_100", end="latest", count=100))["history"]["prices"]

    first, again, other = await prices(5), await prices(5), await prices(6)

    assert first == again
    assert first != other


async def test_prices_move_as_much_as_the_index_is_called_after(venue):
    socket = await venue.connect()

    prices = (await socket.ask(ticks_history="1HZ100V", end="latest", count=5_000))["history"]["prices"]

    moves = [later / earlier - 1 for earlier, later in pairwise(prices)]
    yearly = (sum(move**2 for move in moves) / len(moves) * 31_536_000) ** 0.5
    assert 0.95 < yearly < 1.05
    assert abs(sum(move > 0 for move in moves) / len(moves) - 0.5) < 0.03


async def test_real_candles_are_replayed_four_ticks_each(start_deriv, tmp_path):
    file = tmp_path / "r_100.csv"
    file.write_text("ts_ms,open,high,low,close,volume\n0,1000,1004,999,1003,1\n60000,1003,1003,990,991,1\n")

    async with start_deriv(virtual_time=True, prices=[str(file)]) as venue:
        socket = await venue.connect()
        await venue.pass_time(16)
        answer = await socket.ask(ticks_history="R_100", end="latest", count=8)

    assert answer["history"]["prices"] == [1000, 999, 1004, 1003, 1003, 1003, 990, 991]
