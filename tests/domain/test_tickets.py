"""What a master's tickets mean for followers: every event, hedges, and the sums over any sequence of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from copydesk.domain.bot import MarketType, Meaningless, OnOpposite
from copydesk.domain.signal import Action, Direction, LegKind, Step, TicketEvent, TicketReport
from copydesk.domain.tickets import Book, Contradicted, Repeated, Turn, Unheard, rule
from store_support import PROPERTY, make_bot

FLAT, LONG, SHORT = Direction.FLAT, Direction.LONG, Direction.SHORT
OPEN, MODIFY, CLOSE = TicketEvent.OPEN, TicketEvent.MODIFY, TicketEvent.CLOSE


class Master:
    """A bot and its tickets on one symbol, as the store would keep them."""

    def __init__(self, **bot):
        self.bot = make_bot(**bot)
        self.tickets = {}
        self.held, self.volume = FLAT, Decimal(0)

    @property
    def book(self):
        opened = [ticket for ticket in self.tickets.values() if ticket.is_open]
        return Book(tickets=opened, held=self.held, volume=self.volume)

    def says(self, number, event=None, direction=None, volume=None, symbol="BTCUSDT", **stops):
        told = {name: None if one is None else Decimal(one) for name, one in {"volume": volume, **stops}.items()}
        report = TicketReport(number=number, event=event, direction=direction, **told)
        ruling = rule(self.bot, self.book, self.tickets.get(number), report, symbol)
        if isinstance(ruling, Turn):
            self.tickets[number] = replace(ruling.ticket, signal_id=f"signal-{len(self.tickets)}")
            self.held, self.volume = ruling.held, ruling.volume
        return ruling

    def steps(self, *report, **more):
        ruling = self.says(*report, **more)
        assert isinstance(ruling, Turn), ruling
        return [(one.leg.value, one.direction.value, str(one.fraction)) for one in ruling.steps]


def test_a_new_ticket_opens_and_its_close_closes_everything():
    master = Master()

    assert master.steps(1, None, LONG, "0.1") == [("open", "long", "1")]
    assert master.steps(1, CLOSE) == [("close", "long", "1")]
    assert (master.held, master.volume) == (FLAT, 0)


def test_each_of_two_tickets_closes_its_share_of_what_is_held():
    master = Master()

    assert master.steps(1, None, SHORT, "0.1") == [("open", "short", "1")]
    assert master.steps(2, None, SHORT, "0.3") == [("open", "short", "1")]
    assert master.steps(1, CLOSE) == [("close", "short", "0.25")]
    assert master.steps(2, CLOSE) == [("close", "short", "1")]


def test_a_part_closes_that_part_and_the_rest_stays_open():
    master = Master()
    master.says(1, None, LONG, "0.4")

    assert master.steps(1, CLOSE, volume="0.1") == [("close", "long", "0.25")]
    assert master.steps(1, CLOSE, volume="0.1") == [("close", "long", "0.3333333333333333333333333333")]
    assert master.steps(1, CLOSE) == [("close", "long", "1")]


def test_a_changed_volume_closes_or_opens_the_difference_as_a_share():
    master = Master()
    master.says(1, None, LONG, "0.4")

    assert master.steps(1, None, LONG, "0.3") == [("close", "long", "0.25")]
    assert master.steps(1, None, LONG, "0.45") == [("open", "long", "0.5")]
    assert master.steps(1, MODIFY, volume="4") == [("open", "long", "1")]
    assert master.volume == 4


def test_changed_stops_are_kept_with_the_ticket_and_nothing_is_done():
    master = Master()
    master.says(1, None, LONG, "0.4", stop_loss=90, take_profit=110)

    ruling = master.says(1, None, LONG, "0.4", stop_loss=95, take_profit=0)

    assert (ruling.action, ruling.steps) == (Action.MODIFY, ())
    assert (ruling.ticket.stop_loss, ruling.ticket.take_profit) == (95, 0)
    assert ruling.note == "Ticket 1 has its stop at 95 and its target at none now: each follower's own stops count"


def test_what_is_not_told_stays_as_it_was():
    master = Master()
    master.says(1, None, LONG, "0.4", stop_loss=90, take_profit=110)

    ruling = master.says(1, MODIFY, symbol=None, take_profit=120)

    assert (ruling.ticket.volume, ruling.ticket.stop_loss, ruling.ticket.take_profit) == (Decimal("0.4"), 90, 120)


@pytest.mark.parametrize("event", [None, OPEN, MODIFY])
def test_a_ticket_that_says_the_same_again_is_a_repeat(event):
    master = Master()
    master.says(1, None, LONG, "0.40", stop_loss=90)

    assert master.says(1, event, LONG, "0.4", stop_loss="90.0") == Repeated(signal_id="signal-0")


@pytest.mark.parametrize("event", [None, OPEN, MODIFY, CLOSE])
def test_a_closed_ticket_is_never_heard_of_again(event):
    master = Master()
    master.says(1, None, LONG, "0.4")
    master.says(1, CLOSE)

    assert master.says(1, event, LONG, "0.4") == Contradicted(problem="ticket 1 is closed")


@pytest.mark.parametrize("event", [MODIFY, CLOSE])
def test_a_ticket_that_was_never_opened_can_only_be_opened(event):
    assert isinstance(Master().says(1, event, LONG, "0.4"), Unheard)


@pytest.mark.parametrize(
    ("report", "kind"),
    [
        ({"event": OPEN, "volume": "0.5"}, Contradicted),
        ({"direction": SHORT}, Contradicted),
        ({"symbol": "ETHUSDT"}, Contradicted),
        ({"event": CLOSE, "symbol": "ETHUSDT"}, Contradicted),
        ({"event": CLOSE, "volume": "0.41"}, Meaningless),
    ],
)
def test_what_contradicts_an_open_ticket_changes_nothing(report, kind):
    master = Master()
    master.says(1, None, LONG, "0.4")
    before = dict(master.tickets), master.book

    assert isinstance(master.says(1, **report), kind)
    assert (master.tickets, master.book) == before


def test_the_direction_of_a_close_is_not_asked():
    master = Master()
    master.says(1, None, LONG, "0.4")

    assert master.steps(1, CLOSE, SHORT) == [("close", "long", "1")]


@pytest.mark.parametrize("missing", ["direction", "volume", "symbol"])
def test_a_new_ticket_needs_all_of_its_words(missing):
    report = {"direction": LONG, "volume": "0.4", "symbol": "BTCUSDT", missing: None}

    assert isinstance(Master().says(1, OPEN, **report), Meaningless)


def test_a_hedge_takes_from_what_followers_hold_and_lifting_it_gives_nothing_back():
    master = Master()
    master.says(1, None, LONG, "1.0")

    assert master.steps(2, None, SHORT, "0.4") == [("close", "long", "0.4")]
    assert master.steps(2, CLOSE) == []
    assert master.volume == Decimal("0.6")
    assert master.steps(1, CLOSE, volume="0.5") == [("close", "long", "0.1666666666666666666666666667")]
    assert master.steps(1, CLOSE) == [("close", "long", "1")]


def test_a_larger_opposite_ticket_ends_what_is_held_and_opens_nothing():
    master = Master(on_opposite=OnOpposite.CLOSE)
    master.says(1, None, LONG, "1.0")

    assert master.steps(2, None, SHORT, "3.0") == [("close", "long", "1")]
    assert master.steps(1, CLOSE) == []
    assert master.steps(3, None, LONG, "0.5") == []
    assert master.steps(4, None, SHORT, "0.5") == [("open", "short", "1")]


def test_a_bot_that_reverses_turns_round_where_the_master_s_net_does():
    master = Master(on_opposite=OnOpposite.REVERSE)
    master.says(1, None, LONG, "1.0")

    assert master.steps(2, None, SHORT, "1.0") == [("close", "long", "1")]
    assert master.steps(3, None, SHORT, "0.5") == [("open", "short", "1")]
    assert master.steps(4, None, LONG, "0.75") == [("close", "short", "1"), ("open", "long", "1")]
    assert (master.held, master.volume) == (LONG, Decimal("0.25"))


@pytest.mark.parametrize("on_opposite", OnOpposite)
def test_a_spot_bot_sells_only_what_it_holds(on_opposite):
    master = Master(market_type=MarketType.SPOT, on_opposite=on_opposite)

    assert isinstance(master.says(1, None, SHORT, "1.0"), Meaningless)
    master.says(2, None, LONG, "1.0")
    assert master.steps(3, None, SHORT, "2.0") == [("close", "long", "1")]
    assert master.steps(3, None, SHORT, "3.0") == []


VOLUMES = st.integers(1, 500).map(lambda hundredths: Decimal(hundredths) / 100)
EVENTS = st.lists(
    st.tuples(
        st.integers(1, 6), st.sampled_from([None, *TicketEvent]), st.sampled_from([LONG, SHORT]), VOLUMES | st.none()
    ),
    max_size=40,
)


def check(master, ruling, before):
    if not isinstance(ruling, Turn):
        return
    for step in ruling.steps:
        assert 0 < step.fraction <= 1, step
    closed = [step for step in ruling.steps if step.leg is LegKind.CLOSE]
    if closed and closed[-1] == ruling.steps[-1]:
        # What is left after closing that share is what the bot says it holds.
        assert abs(before * (1 - closed[0].fraction) - master.volume) < Decimal("1e-20")
    assert (master.held is FLAT) == (master.volume == 0)


@PROPERTY
@given(events=EVENTS, direction=st.sampled_from([LONG, SHORT]))
def test_without_hedges_the_bot_holds_the_sum_of_its_open_tickets(events, direction):
    master = Master()

    for number, event, _, volume in events:
        before = master.volume
        ruling = master.says(number, event, direction, volume)

        check(master, ruling, before)
        assert master.volume == sum((one.volume for one in master.tickets.values()), Decimal(0))
        assert master.held is (direction if master.volume else FLAT)


@PROPERTY
@given(
    events=EVENTS,
    on_opposite=st.sampled_from(OnOpposite),
    market_type=st.sampled_from([MarketType.FUTURES, MarketType.SPOT]),
)
def test_with_hedges_followers_never_hold_more_than_the_master_s_net(events, on_opposite, market_type):
    master = Master(on_opposite=on_opposite, market_type=market_type)

    for number, event, direction, volume in events:
        before = master.volume
        ruling = master.says(number, event, direction, volume)

        check(master, ruling, before)
        assert master.volume <= max(master.book.net(LONG), master.book.net(SHORT))
        assert master.held is FLAT or master.volume <= master.book.net(master.held)
        assert market_type is not MarketType.SPOT or master.held is not SHORT
        if event is CLOSE and isinstance(ruling, Turn):
            assert all(step.leg is LegKind.CLOSE for step in ruling.steps)
            assert all(isinstance(step, Step) for step in ruling.steps)
