"""A master's trades by hand, through the terminal, the gateway, the journal and the wire, to the hub."""

import asyncio
import random
import re

import pytest
from master_support import MASTER, PASSWORD, eventually, running_desk

from copydesk.client.api import signed_in
from copydesk.client.people import UserChange
from copydesk.simulators.metatrader5 import Hand


@pytest.fixture
async def desk(tmp_path):
    async with running_desk(tmp_path) as running:
        yield running


async def test_trades_by_hand_reach_the_hub_with_their_tickets(desk):
    async with desk.hub() as hub:
        await desk.seed(hub)
        async with desk.master() as master:
            await desk.until_watching(master)

            ticket = await desk.do("buy", "EURUSD", 0.10)
            await eventually(lambda: ("open", "sent") in desk.stages())
            await desk.do("modify", ticket, sl=0.5)
            await eventually(lambda: ("modify", "sent") in desk.stages())
            await desk.do("close", ticket, 0.04)
            await eventually(lambda: ("partial_close", "sent") in desk.stages())
            await desk.do("close", ticket)
            await eventually(lambda: ("close", "sent") in desk.stages())

        signals = await desk.signals()
        assert [(one["event"], one["master_ticket"]) for one in signals] == [
            ("OPEN", ticket),
            ("MODIFY", ticket),
            ("CLOSE", ticket),
            ("CLOSE", ticket),
        ]
        assert (signals[0]["symbol"], signals[0]["type"], signals[0]["volume"]) == ("EURUSD", "BUY", "0.1")
        assert (signals[0]["contract"]["size"], signals[0]["contract"]["currency_base"]) == ("100000", "EUR")
        assert (signals[1]["sl"], signals[2]["volume"], signals[2]["reason"]) == ("0.5", "0.04", "client")
        assert "volume" not in signals[3]
        assert {one["mt5_login"] for one in signals} == {1001}
    assert master.process.returncode == 0, master.log.read_text()


async def test_a_hub_killed_in_between_gets_everything_once(desk):
    async with desk.hub() as hub:
        await desk.seed(hub)
        async with desk.master() as master:
            await desk.until_watching(master)
            first = await desk.do("buy", "EURUSD", 0.10)
            await eventually(lambda: ("open", "sent") in desk.stages())
            hub.process.kill()
            await hub.process.wait()
            second = await desk.do("sell", "GBPUSD", 0.20)
            await desk.do("close", first)
            await eventually(lambda: len(desk.events()) == 3)

            async with desk.hub():
                await eventually(lambda: {stage for _, stage in desk.stages()} == {"sent"})
                told = await desk.told()

    assert sorted(told) == sorted([("OPEN", first), ("OPEN", second), ("CLOSE", first)])
    assert told.index(("OPEN", first)) < told.index(("CLOSE", first))
    assert "the hub takes signals again" in master.log.read_text()


async def test_a_master_killed_again_and_again_loses_and_doubles_nothing(desk):
    async with desk.hub() as hub:
        await desk.seed(hub)
        async with desk.master() as master:
            await desk.until_watching(master)
        chance, held, expected = random.Random(7), [], []
        for _ in range(4):
            async with desk.master() as master:
                for _ in range(chance.randint(2, 5)):
                    await _trade(desk, chance, held, expected)
                    await asyncio.sleep(chance.uniform(0, 0.15))
                master.process.kill()
                await master.process.wait()
        async with desk.master() as master:
            await desk.until_watching(master)
            await eventually(lambda: _is_settled(desk, expected))
        told = await desk.told()

    assert sorted(told) == sorted(expected), desk.events()
    for ticket in {ticket for _, ticket in expected}:
        own = [event for event, number in told if number == ticket]
        assert own in (["OPEN"], ["OPEN", "CLOSE"])


async def test_another_account_in_the_terminal_sends_nothing_and_says_why(desk):
    async with desk.hub() as hub:
        await desk.seed(hub)
        await desk.terminal(path=MASTER, login=1002)
        async with desk.master() as master:
            reason = "logged in to 1002, and the hub allows 1001 only"
            await eventually(lambda: reason in master.log.read_text())
            await asyncio.to_thread(Hand(desk.simulator_url, 1002).buy, "EURUSD", 0.1)
            await asyncio.sleep(0.5)
            assert await desk.signals() == []
            async with signed_in(desk.url, "admin", PASSWORD) as admin:
                users = [one.id for one in await admin.users() if one.username == "paula"]
                status = await admin.terminals(users[0])
            assert not status.connected

            await desk.terminal(path=MASTER, login=1001)
            await eventually(lambda: "the terminal is back" in master.log.read_text())
            ticket = await desk.do("buy", "EURUSD", 0.1)
            await eventually(lambda: ("open", "sent") in desk.stages())
            status_now = await _status_of(desk, users[0], positions=1)

        assert await desk.told() == [("OPEN", ticket)]
    assert (status_now.login, status_now.positions[0].ticket) == (1001, ticket)


async def test_failures_have_codes_of_their_own_and_a_last_line_that_says_what_to_do(desk, tmp_path):
    async with desk.hub() as hub:
        await desk.seed(hub)
        async with desk.master() as holder:
            await desk.until_watching(holder)
            locked = await _ends(desk)
            assert locked == (4, f"process {holder.process.pid}")
        assert await _ends(desk, COPYDESK_MASTER__PASSWORD="another password") == (3, "does not let paula in")
        missing = {"PYTHONPATH": str(tmp_path), "METATRADER5_SIMULATOR_URL": ""}
        assert await _ends(desk, **missing) == (5, "python -m pip install MetaTrader5")
        async with signed_in(desk.url, "admin", PASSWORD) as admin:
            paula = next(one for one in await admin.users() if one.username == "paula")
            await admin.change_user(paula.id, UserChange(allowed_mt5_id=None))
        assert await _ends(desk) == (6, "an admin sets allowed_mt5_id")
        open_file = tmp_path / "config_sender.json"
        open_file.write_text('{"api": {"password": "x"}}')
        open_file.chmod(0o644)
        assert await _ends(desk, "--config", str(open_file)) == (1, "chmod 600")


LAST_LINES = (
    r"process \d+",
    "does not let paula in",
    "python -m pip install MetaTrader5",
    "an admin sets allowed_mt5_id",
    "chmod 600",
)


async def _ends(desk, *more, **settings):
    """Its code, and which of the last lines it ended with."""
    (desk.folder / "master.log").unlink(missing_ok=True)
    async with desk.master(*more, **settings) as master:
        code = await asyncio.wait_for(master.process.wait(), 20)
    last = master.log.read_text().strip().splitlines()[-1]
    return code, next((found[0] for line in LAST_LINES if (found := re.search(line, last))), last)


async def _trade(desk, chance, held, expected):
    if held and chance.random() < 0.4:
        ticket = held.pop(chance.randrange(len(held)))
        await desk.do("close", ticket)
        expected.append(("CLOSE", ticket))
        return
    ticket = await desk.do("buy", chance.choice(["EURUSD", "GBPUSD"]), 0.1)
    held.append(ticket)
    expected.append(("OPEN", ticket))


def _is_settled(desk, expected):
    """A flash (opened and closed while nobody watched) is nobody's: neither half of it is expected."""
    for kind, ticket, _, _, _ in desk.events():
        if kind == "flash":
            expected[:] = [one for one in expected if one[1] != ticket]
    seen = [(kind, stage) for kind, _, stage, _, _ in desk.events() if kind != "flash"]
    return len(seen) == len(expected) and {stage for _, stage in seen} == {"sent"}


async def _status_of(desk, user_id, *, positions):
    async with signed_in(desk.url, "admin", PASSWORD) as admin:
        for _ in range(100):
            status = await admin.terminals(user_id)
            if status.connected and status.open_positions == positions:
                return status
            await asyncio.sleep(0.1)
    return status
