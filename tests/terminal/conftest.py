"""One broker a module: its accounts are told apart, and its faults are healed after each test."""

import pytest
from terminal_support import child_of, running_broker

from copydesk.terminal.gateway import Gateway


@pytest.fixture(scope="module")
def open_broker():
    with running_broker() as running:
        yield running


@pytest.fixture
def broker(open_broker):
    yield open_broker
    open_broker.heal()
    for path in (r"C:\Program Files\MetaTrader 5\terminal64.exe",):
        open_broker.tell("terminals", path=path, login=1001, connected=True, trade_allowed=True)
    for login in (1001, 1003):
        _close_all(open_broker.hand(login))


@pytest.fixture
async def gateway(broker):
    async with Gateway(child_of(broker), read_s=2, send_s=2) as one:
        yield one


def _close_all(hand):
    found = hand.look()
    for order in found["orders"]:
        hand.remove(order["ticket"])
    for position in found["positions"]:
        hand.close(position["ticket"])
