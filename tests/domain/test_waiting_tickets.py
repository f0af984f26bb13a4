"""A master's orders that wait: what each message makes of them, and what those do who hold only its net."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.bot import MarketType, Meaningless
from copydesk.domain.following import change_of, follow
from copydesk.domain.signal import (
    Action,
    Direction,
    Instruction,
    LegKind,
    OrderKind,
    TicketEvent,
    TicketReport,
)
from copydesk.domain.tickets import Book, Contradicted, Repeated, Turn, Unheard, rule
from store_support import make_bot, make_signal

OPEN, MODIFY, CLOSE, CANCEL = TicketEvent.OPEN, TicketEvent.MODIFY, TicketEvent.CLOSE, TicketEvent.CANCEL
LONG, SHORT, FLAT = Direction.LONG, Direction.SHORT, Direction.FLAT
LIMIT = OrderKind.BUY_LIMIT
ENDS = datetime(2026, 1, 5, tzinfo=UTC)


class Master:
    """A bot and its tickets on one symbol; `steps` are those of the net, `own` those of a terminal."""

    def __init__(self, **bot):
        self.bot, self.tickets, self.held, self.volume = make_bot(**bot), {}, FLAT, Decimal(0)

    def says(self, number, event=None, kind=None, direction=None, symbol="EURUSD", expires_at=None, **numbers):
        told = {name: Decimal(one) for name, one in numbers.items()}
        direction = kind.direction if kind else direction
        report = TicketReport(number=number, event=event, kind=kind, direction=direction, expires_at=expires_at, **told)
        book = Book(tickets=[one for one in self.tickets.values() if one.is_open], held=self.held, volume=self.volume)
        before = self.tickets.get(number)
        ruling = rule(self.bot, book, before, report, symbol)
        if not isinstance(ruling, Turn):
            return ruling
        self.tickets[number] = replace(ruling.ticket, signal_id=f"signal-{number}")
        self.held, self.volume = ruling.held, ruling.volume
        instruction = Instruction(
            ticker="", symbol=symbol, action=ruling.action, key="", key_ttl_s=1, ticket=report, payload={}
        )
        change = change_of(before, ruling.ticket, instruction)
        signal = make_signal(symbol=symbol, steps=ruling.steps, note=ruling.note)
        self.own = follow(replace(signal, ticket=change))
        return ruling

    def waits(self, number=5, **more):
        told = {"volume": "0.4", "price": "1.08", "symbol": "EURUSD"} | more
        return self.says(number, OPEN, LIMIT, **told)

    @property
    def own_steps(self):
        return [(one.leg, one.direction, one.fraction) for one in self.own.steps]


def test_a_new_order_opens_nothing_for_the_net_and_is_placed_at_terminals():
    master = Master()
    turn = master.waits()

    assert (turn.action, turn.steps, turn.held) == (Action.PENDING, (), FLAT)
    assert "nothing is opened before it is filled" in turn.note
    assert master.own_steps == [(LegKind.OPEN, LONG, 1)]
    assert not master.tickets[5].is_open


def test_a_filled_order_opens_for_the_net_and_nothing_more_at_terminals():
    master = Master()
    master.waits()
    turn = master.says(5, OPEN, direction=LONG, volume="0.4", price="1.0799")

    assert [(one.leg, one.direction) for one in turn.steps] == [(LegKind.OPEN, LONG)]
    assert (master.held, master.volume) == (LONG, Decimal("0.4"))
    assert (master.own_steps, "fills by itself" in master.own.note) == ([], True)
    assert [one.leg for one in master.says(5, CLOSE).steps] == [LegKind.CLOSE]


def test_a_fill_that_is_told_as_a_change_opens_nothing_for_anybody():
    master = Master()
    master.waits()
    turn = master.says(5, MODIFY, direction=LONG)

    assert (turn.steps, master.own_steps, master.tickets[5].is_open) == ((), [], True)
    assert "too long ago" in turn.note


def test_a_moved_order_moves_at_terminals_only_and_the_same_again_is_no_news():
    master = Master()
    master.waits(expires_at=ENDS)
    turn = master.says(5, MODIFY, LIMIT, price="1.07", stop_loss="1.06")

    assert (turn.action, turn.steps) == (Action.MODIFY, ())
    assert master.own_steps == [(LegKind.MODIFY, LONG, 1)]
    assert (master.tickets[5].waiting.price, master.tickets[5].waiting.expires_at) == (Decimal("1.07"), None)
    assert isinstance(master.says(5, MODIFY, LIMIT, price="1.07"), Repeated)


@pytest.mark.parametrize("event", [CANCEL, CLOSE])
def test_an_order_taken_back_is_closed_at_terminals_and_was_nothing_elsewhere(event):
    master = Master()
    master.waits()
    turn = master.says(5, event)

    assert (turn.action, turn.steps, master.tickets[5].is_over) == (Action.CANCEL, (), True)
    assert master.own_steps == [(LegKind.CLOSE, LONG, 1)]
    assert isinstance(master.says(5, CANCEL), Contradicted)


def test_a_part_closed_of_an_order_whose_fill_was_not_told_leaves_a_position():
    master = Master()
    master.waits()
    turn = master.says(5, CLOSE, volume="0.1")

    assert (turn.steps, master.tickets[5].is_open, master.tickets[5].volume) == ((), True, Decimal("0.3"))
    assert master.own_steps == [(LegKind.CLOSE, LONG, Decimal("0.25"))]


def test_a_filled_order_against_what_is_held_takes_from_it_as_any_ticket_does():
    master = Master()
    master.says(1, OPEN, direction=SHORT, volume="1")
    master.waits()
    turn = master.says(5, OPEN, direction=LONG, volume="0.4")

    assert [(one.leg, one.fraction) for one in turn.steps] == [(LegKind.CLOSE, Decimal("0.4"))]


def test_a_spot_bot_takes_a_sell_order_and_opens_nothing_when_it_fills():
    master = Master(market_type=MarketType.SPOT)
    master.says(5, OPEN, OrderKind.SELL_LIMIT, volume="1", price="9")

    assert master.says(5, OPEN, direction=SHORT, volume="1").steps == ()


NONSENSE = {
    "no price": ({"kind": LIMIT, "volume": "1"}, Meaningless),
    "a stop-limit without its limit": ({"kind": OrderKind.BUY_STOP_LIMIT, "volume": "1", "price": "2"}, Meaningless),
    "a change of what was never told": ({"event": MODIFY, "kind": LIMIT, "price": "1"}, Unheard),
    "a cancel of what was never told": ({"event": CANCEL}, Unheard),
}


@pytest.mark.parametrize(("words", "kind"), NONSENSE.values(), ids=NONSENSE)
def test_what_means_nothing_is_said_to_mean_nothing(words, kind):
    assert isinstance(Master().says(5, **words), kind)


MISFITS = {
    "another side": {"kind": OrderKind.SELL_LIMIT, "price": "1.08"},
    "another volume": {"event": MODIFY, "kind": LIMIT, "volume": "9"},
    "the order again, at another price": {"event": OPEN, "kind": LIMIT, "price": "1"},
    "another symbol": {"event": CANCEL, "symbol": "GBPUSD"},
}


@pytest.mark.parametrize("words", MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_an_order_that_waits_is_refused(words):
    master = Master()
    master.waits()

    assert isinstance(master.says(5, **words), Contradicted)


def test_a_position_is_neither_cancelled_nor_an_order_again():
    master = Master()
    master.says(5, OPEN, direction=LONG, volume="1")

    assert isinstance(master.says(5, CANCEL), Contradicted)
    assert isinstance(master.says(5, MODIFY, LIMIT, price="1"), Contradicted)
