"""A simulator that remembers: what was held, waited for and done before it was stopped."""

import asyncio

import pytest
from mt5_simulator_support import FOLLOWER, MASTER, market, opened, running_broker

from copydesk.simulators.metatrader5 import StateFileError, serve


def test_accounts_terminals_and_orders_survive_a_restart(tmp_path, package, monkeypatch):
    file = tmp_path / "mt5.json"
    with running_broker(state=file) as broker:
        monkeypatch.setenv("METATRADER5_SIMULATOR_URL", broker.url)
        package.initialize(MASTER)
        broker.pass_time(hours=1)
        broker.hold("EURUSD", "1.085")
        ticket = opened(package, package.ORDER_TYPE_BUY, sl=1.08, comment="kept")
        pending = {"action": 5, "symbol": "EURUSD", "volume": 0.2, "type": 2, "price": 1.07, "type_filling": 2}
        waiting = package.order_send(pending).order
        broker.tell("terminals", path=FOLLOWER, login=1001)
        before = (package.positions_get()[0][:13], package.orders_get()[0][:18], package.history_deals_get(0, 2**31))

    with running_broker(state=file) as broker:
        monkeypatch.setenv("METATRADER5_SIMULATOR_URL", broker.url)
        broker.hold("EURUSD", "1.085")
        assert package.initialize(FOLLOWER)
        after = (package.positions_get()[0][:13], package.orders_get()[0][:18], package.history_deals_get(0, 2**31))

        assert after == before
        assert package.orders_get()[0].ticket == waiting
        assert market(package, package.ORDER_TYPE_SELL, position=ticket).retcode == package.TRADE_RETCODE_DONE
        assert opened(package, package.ORDER_TYPE_BUY) > waiting, "tickets go on where they were"


def test_a_folder_that_is_not_there_is_told_before_anything_is_served(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        asyncio.run(serve(port=0, state=tmp_path / "nowhere" / "mt5.json", on_ready=print))


@pytest.mark.parametrize("content", ["", "[]", '{"simulator": "binance"}', '{"accounts": 5}'])
def test_a_file_of_something_else_is_refused_and_kept(tmp_path, content):
    file = tmp_path / "other.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(StateFileError, match=r"other\.json"):
        asyncio.run(serve(port=0, state=file, on_ready=print))
    assert file.read_text(encoding="utf-8") == content
