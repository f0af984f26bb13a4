"""The frames of docs/agents.md, read and answered."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from test_copier_rules import command

from copydesk.terminal.copier.commands import Do, Wishes
from copydesk.terminal.copier.outcomes import Outcome, Result
from copydesk.terminal.copier.wire import heartbeat, read_frame, received, result
from copydesk.terminal.events import Contract

FRAME = {
    "event": "OPEN",
    "seq": 17,
    "id": "cd-1",
    "ts": "2026-11-29T10:15:00.120Z",
    "expires_at": "2026-11-29T10:15:30.100Z",
    "data": {
        "account_id": "a1",
        "bot_id": "b1",
        "bot": "Paula",
        "master_ticket": 7,
        "symbol": "XAUUSD",
        "type": "BUY",
        "volume": "0.1",
        "fraction": "1",
        "price": "2650.5",
        "sl": "0",
        "tp": None,
        "contract": {"size": "100", "digits": "2", "currency_base": "XAU", "currency_profit": "USD"},
        "lots": None,
        "settings": {
            "mode": "multiplier",
            "fixed_lot": "0.01",
            "multiplier": "0.5",
            "max_slippage_points": 50,
            "max_spread_points": None,
            "max_orders_per_symbol": 2,
            "max_exposure_trades": None,
            "max_exposure_lots": "10.0",
            "leverage": "5",
            "margin_usd": "20",
            "stop_loss_pct": "2.5",
            "something_new": 1,
        },
    },
}


def test_a_command_is_read_with_its_followers_wishes():
    told = read_frame(FRAME)

    assert (told.seq, told.account_id) == (17, "a1")
    one = told.command
    assert (one.id, one.do, one.bot_id, one.master_ticket) == ("cd-1", Do.OPEN, "b1", 7)
    assert (one.volume, one.price, one.sl, one.tp) == (Decimal("0.1"), Decimal("2650.5"), Decimal(0), None)
    assert one.expires_at == datetime(2026, 11, 29, 10, 15, 30, 100_000, tzinfo=UTC)
    assert one.contract == Contract(size=Decimal(100), digits=2, currency_base="XAU", currency_profit="USD")
    assert told.wishes == Wishes(
        mode="multiplier",
        multiplier=Decimal("0.5"),
        max_exposure_trades=None,
        margin_usd=Decimal(20),
        leverage=5,
        stop_loss_pct=Decimal("2.5"),
    )


@pytest.mark.parametrize("contract", [None, {"size": "much"}, {"size": "100"}])
def test_a_contract_that_is_not_understood_is_as_good_as_not_told(contract):
    assert read_frame(FRAME | {"data": FRAME["data"] | {"contract": contract}}).command.contract is None


@pytest.mark.parametrize(
    "change", [{"event": "DANCE"}, {"data": None}, {"ts": "soon"}, {"data": {"symbol": 5}}, {"id": None}]
)
def test_a_frame_that_is_not_understood_is_no_command(change):
    assert isinstance(read_frame(FRAME | change), str)


def done(volume, price):
    return Outcome(leg="x", result=Result.DONE, volume=Decimal(volume), price=Decimal(price))


def test_legs_add_up_to_one_result_with_their_mean_price():
    told = result(command(), [done("0.1", "1.1"), done("0.3", "1.3")])

    assert (told["status"], told["volume"], told["price"]) == ("filled", "0.4", "1.25")


def test_a_result_is_unknown_where_one_leg_is_and_partial_where_one_was_refused():
    unknown = Outcome(leg="y", result=Result.UNKNOWN, reason="no answer")
    refused = Outcome(leg="y", result=Result.REFUSED, reason="market closed")

    assert result(command(), [done("0.1", "1.1"), unknown])["status"] == "unknown"
    partly = result(command(), [done("0.1", "1.1"), refused])
    assert (partly["status"], partly["reason"]) == ("partial", "market closed")
    assert result(command(), [])["reason"] == "nothing is held for this ticket"


def test_small_answers_say_what_the_page_says():
    assert received(["a", "b"]) == {"action": "received", "ids": ["a", "b"]}
    assert heartbeat(None, login=7, server="S") == {
        "action": "heartbeat",
        "login": 7,
        "server": "S",
        "connected": False,
    }
