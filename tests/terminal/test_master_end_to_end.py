"""A master's trades by hand, through the terminal, the gateway, the journal and the wire, to the hub."""

import pytest
from master_support import eventually, running_desk


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
        assert (signals[1]["sl"], signals[2]["volume"], signals[2]["reason"]) == ("0.5", "0.04", "client")
        assert "volume" not in signals[3]
        assert {one["mt5_login"] for one in signals} == {1001}
    assert master.process.returncode == 0, master.log.read_text()
