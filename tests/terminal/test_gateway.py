"""The process that owns the package: what it answers, and what happens when it does not."""

import asyncio
import os
import signal
import sys
from decimal import Decimal

import pytest
from terminal_support import MASTER, SERVER, child_of

from copydesk.terminal.codec import OrderRequest, _converted, read_tick
from copydesk.terminal.frames import (
    CHILD_ENDED,
    NO_CONNECTION,
    REQUEST_REFUSED,
    STOPPED_ANSWERING,
    Failed,
)
from copydesk.terminal.gateway import Gateway, PackageMissing, gateway_command

BUY = OrderRequest(action=1, symbol="EURUSD", type=0, volume=Decimal("0.10"), price=Decimal(1), type_filling=1)
FAR = 4_000_000_000


@pytest.fixture
async def connected(gateway):
    assert await gateway.initialize(MASTER) is True
    return gateway


async def test_before_initialize_every_call_fails_with_the_packages_own_words(gateway):
    assert await gateway.positions() == Failed(NO_CONNECTION, "No IPC connection")


async def test_a_look_tells_account_terminal_positions_and_orders(connected):
    look = await connected.look()

    assert (look.account.login, look.account.server, look.account.balance) == (1001, SERVER, Decimal(10000))
    assert look.terminal.connected
    assert (look.positions, look.orders) == ((), ())


async def test_an_order_is_sent_with_floats_and_comes_back_in_decimals(connected):
    assert await connected.select("EURUSD") is True
    tick = await connected.tick("EURUSD")
    checked = await connected.check(BUY)
    sent = await connected.send(BUY, login=1001)
    positions = await connected.positions()

    assert (checked.retcode, sent.retcode) == (0, 10009)
    assert (positions[0].volume, positions[0].is_buy) == (Decimal("0.1"), True)
    assert positions[0].price == sent.price
    assert abs(tick.ask - sent.price) < Decimal("0.01")
    assert (await connected.deals(0, FAR))[-1].position_id == positions[0].identifier
    assert len(await connected.deals_of_position(positions[0].identifier)) == 1
    assert (await connected.past_order(sent.order))[0].ticket == sent.order
    assert {"XAUUSD", "XAUUSD.m"} <= set(await connected.symbol_names())
    assert (await connected.symbol("XAUUSD.m")).trade_contract_size == Decimal(10)


async def test_texts_that_the_package_refuses_are_refused_before_it_is_asked(connected):
    answer = await connected.send(OrderRequest(action=1, symbol="EURUSD", comment="c" * 30), login=1001)

    assert answer.code == REQUEST_REFUSED
    assert answer.nothing_was_sent


async def test_none_is_a_failure_with_its_error_and_never_an_empty_answer(connected, broker):
    broker.fault("none", function="positions_get", next_n=2)

    assert await connected.positions() == Failed(-1, "Terminal: Call failed")
    assert isinstance(await connected.look(), Failed)
    assert await connected.positions() == ()


async def test_a_call_that_hangs_ends_the_child_and_the_next_one_gets_another(connected, broker):
    first = connected.pid
    broker.fault("delay_before", function="account_info", delay_s=6, next_n=1)

    hanging = await connected.account()
    after = await connected.account()

    assert (hanging.code, hanging.nothing_was_sent) == (STOPPED_ANSWERING, False)
    assert after == Failed(NO_CONNECTION, "No IPC connection")
    assert connected.pid != first
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


async def test_a_frozen_child_is_killed_and_an_order_on_its_way_is_unknown(connected):
    os.kill(connected.pid, signal.SIGSTOP)

    answer = await connected.send(BUY, login=1001)

    assert (answer.code, answer.nothing_was_sent) == (STOPPED_ANSWERING, False)
    assert await connected.initialize(MASTER) is True


async def test_a_killed_child_is_a_failure_and_comes_back(connected):
    os.kill(connected.pid, signal.SIGKILL)

    answer = await connected.account()

    assert answer.code in {CHILD_ENDED, NO_CONNECTION}
    assert await connected.initialize(MASTER) is True
    assert (await connected.account()).login == 1001


async def test_a_caller_that_goes_away_leaves_no_answer_for_the_next_one(connected, broker):
    broker.fault("delay_before", function="positions_get", delay_s=1, next_n=1)
    asking = asyncio.ensure_future(connected.positions())
    await asyncio.sleep(0.2)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert await connected.initialize(MASTER) is True
    assert (await connected.account()).login == 1001


async def test_a_missing_package_is_one_sentence_that_says_what_to_do(broker):
    async with Gateway(child_of(broker, path="nowhere")) as gateway:
        with pytest.raises(PackageMissing, match="pip install MetaTrader5") as told:
            await gateway.initialize(None)

    assert "simulate metatrader5 --print-path" in str(told.value)


async def test_what_else_writes_to_standard_output_is_not_taken_for_a_frame(broker, tmp_path):
    noisy = (
        "print('hello')\ndef positions_get():\n    print('noise', flush=True)\n    return ()\ndef shutdown(): pass\n"
    )
    (tmp_path / "MetaTrader5.py").write_text(noisy)
    async with Gateway(child_of(broker, path=str(tmp_path))) as gateway:
        assert [await gateway.positions() for _ in range(3)] == [(), (), ()]


def test_texts_and_numbers_that_nobody_could_store_are_made_harmless():
    class Raw:
        time_msc, bid, ask, last = 1, float("nan"), float("inf"), 0.1 + 0.2

    assert (read_tick(Raw).bid, read_tick(Raw).ask, read_tick(Raw).last) == (0, 0, Decimal("0.3"))
    assert _converted("half \ud800 and nul \0", str) == "half ? and nul "


async def test_a_child_that_says_something_else_is_ended():
    async with Gateway([sys.executable, "-c", "print('no frame at all', flush=True)"]) as gateway:
        answer = await gateway.account()

    assert answer.code == CHILD_ENDED


def test_a_frozen_program_starts_itself_again_without_dash_m(monkeypatch):
    assert gateway_command()[1:] == ["-m", "copydesk", "gateway"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert gateway_command() == [sys.executable, "gateway"]
