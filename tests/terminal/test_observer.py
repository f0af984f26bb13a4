"""What happened on a watched account, told from looks at it: each fact of MetaTrader 5 that a copier must know."""

from decimal import Decimal

import pytest
from observer_support import Broker, Eye, believed, deal, order, position

from copydesk.terminal.codec import Entry, OrderState
from copydesk.terminal.events import Kind
from copydesk.terminal.memory import Memory
from copydesk.terminal.observer import Sight, agree, differs


@pytest.fixture
def eye():
    """It knows of a position of 0.1 and its deal."""
    one = Eye()
    assert one.look([position()], [deal(1)]) == [Kind.OPEN]
    return one


def last(eye):
    return eye.events[-1]


def test_a_new_position_is_an_opening_even_before_its_deal_is_in_the_ledger():
    eye = Eye()

    assert eye.look([position()]) == [Kind.OPEN]
    assert eye.look([position()], [deal(1)]) == []
    assert eye.memory.deals == {1: 1_000}


def test_a_level_that_moves_is_a_modification_and_needs_no_deal(eye):
    assert eye.look([position(sl="1.08")], [deal(1)]) == [Kind.MODIFY]
    assert last(eye).sl == Decimal("1.08")


def test_levels_that_go_back_and_forth_have_keys_of_their_own(eye):
    for sl in ("1.08", "0", "1.08"):
        eye.look([position(sl=sl)], [deal(1)])

    details = [one.detail for one in eye.events if one.kind is Kind.MODIFY]
    assert len(set(details)) == 3


@pytest.mark.parametrize(
    ("code", "word"), [(0, "client"), (3, "expert"), (4, "stop_loss"), (5, "take_profit"), (6, "stop_out")]
)
def test_a_position_that_is_gone_is_closed_for_the_reason_of_its_deal(eye, code, word):
    out = deal(2, entry=Entry.OUT, buys=False, msc=2_000, reason=code)

    assert eye.look([], [deal(1), out]) == [Kind.CLOSE]
    assert last(eye).reason == word
    assert last(eye).volume_before == Decimal("0.1")
    assert eye.memory.positions == {}


def test_a_position_that_is_gone_without_a_deal_is_an_alarm_and_no_close(eye):
    assert eye.look([], [deal(1)]) == []
    assert eye.look([], [deal(1)], later_s=3) == [Kind.ALARM]
    assert eye.look([], [deal(1)], later_s=30) == []
    assert 7 in eye.memory.positions


def test_a_position_that_is_gone_is_not_closed_by_a_deal_that_opened_more_of_it(eye):
    assert eye.look([], [deal(1), deal(2, volume="0.1", msc=2_000)], later_s=10) == []
    assert eye.look([], [deal(1), deal(2, volume="0.1", msc=2_000)], later_s=10) == [Kind.ALARM]


def test_a_position_that_is_gone_while_the_ledger_tells_of_a_part_is_closed_after_a_while(eye):
    part = deal(2, entry=Entry.OUT, buys=False, volume="0.04", msc=2_000)

    assert eye.look([], [deal(1), part]) == []
    assert eye.look([], [deal(1), part], later_s=3) == [Kind.CLOSE]


def test_a_deal_that_nothing_explains_yet_stays_in_the_window(eye):
    ahead, other = deal(2, volume="0.5", msc=2_000), deal(3, 8, msc=900_000)
    eye.look([position(), position(8, msc=900_000)], [deal(1), ahead, other])

    assert eye.memory.watermark_msc == 2_000
    assert eye.look([position(volume="0.6"), position(8, msc=900_000)], [ahead, other]) == [Kind.GROW]
    assert eye.memory.watermark_msc == 900_000


def test_a_position_that_comes_back_after_an_alarm_is_the_same_one(eye):
    eye.look([], [deal(1)])
    eye.look([], [deal(1)], later_s=3)

    assert eye.look([position()], [deal(1)]) == []
    assert not eye.memory.positions[7].alarmed


def test_a_closing_deal_that_comes_late_ends_the_position_after_all(eye):
    eye.look([], [deal(1)])
    out = deal(2, entry=Entry.OUT, buys=False, msc=2_000)

    assert eye.look([], [deal(1), out]) == [Kind.CLOSE]


def test_a_partial_close_tells_the_fraction_and_its_reason(eye):
    out = deal(2, entry=Entry.OUT, buys=False, volume="0.04", msc=2_000)

    assert eye.look([position(volume="0.06")], [deal(1), out]) == [Kind.PARTIAL_CLOSE]
    assert last(eye).fraction == Decimal("0.4")
    assert last(eye).reason == "client"


def test_a_volume_that_falls_without_a_deal_is_not_believed(eye):
    assert eye.look([position(volume="0.06")], [deal(1)]) == []
    assert eye.look([position(volume="0.06")], [deal(1)], later_s=3) == [Kind.ALARM]

    out = deal(2, entry=Entry.OUT, buys=False, volume="0.04", msc=2_000)
    assert eye.look([position(volume="0.06")], [deal(1), out]) == [Kind.PARTIAL_CLOSE]


def test_a_ledger_that_is_ahead_of_the_positions_says_nothing_yet(eye):
    out = deal(2, entry=Entry.OUT, buys=False, volume="0.04", msc=2_000)

    assert eye.look([position()], [deal(1), out]) == []
    assert eye.look([position(volume="0.06")], [deal(1), out]) == [Kind.PARTIAL_CLOSE]


def test_a_netting_position_that_is_added_to_has_grown(eye):
    assert eye.look([position(volume="0.3")], [deal(1), deal(2, volume="0.2", msc=2_000)]) == [Kind.GROW]
    assert (last(eye).volume_before, last(eye).volume) == (Decimal("0.1"), Decimal("0.3"))


def test_a_netting_reversal_is_a_close_and_an_opening_with_a_number_of_its_own(eye):
    turned = position(ticket=55, is_buy=False, volume="0.2", updated=2_000)
    inout = deal(2, entry=Entry.INOUT, buys=False, volume="0.3", msc=2_000, order=55)

    assert eye.look([turned], [deal(1), inout]) == [Kind.CLOSE, Kind.OPEN]
    closed, opened = eye.events[-2:]
    assert (closed.number, closed.reason, opened.number, opened.type) == (7, "reversal", 55, "SELL")

    out = deal(3, entry=Entry.OUT, buys=True, volume="0.2", msc=3_000)
    assert eye.look([], [deal(1), inout, out]) == [Kind.CLOSE]
    assert last(eye).number == 55


def test_of_a_close_by_the_one_that_ends_comes_before_the_one_that_shrinks():
    eye = Eye()
    deals = [deal(1, 7, volume="0.3"), deal(2, 8, buys=False)]
    eye.look([position(7, volume="0.3"), position(8, is_buy=False)], deals)
    deals += [
        deal(3, 7, entry=Entry.OUT_BY, buys=False, msc=2_000, order=30),
        deal(4, 8, entry=Entry.OUT_BY, msc=2_000, order=30),
    ]

    assert eye.look([position(7, volume="0.2")], deals) == [Kind.CLOSE, Kind.PARTIAL_CLOSE]
    assert {one.reason for one in eye.events[-2:]} == {"close_by"}


def test_what_opened_and_closed_between_two_looks_is_a_flash_and_not_copied(eye):
    flash = [deal(2, 8, msc=2_000), deal(3, 8, entry=Entry.OUT, buys=False, msc=2_010)]

    assert eye.look([position()], [deal(1), *flash]) == [Kind.FLASH]
    assert eye.look([position()], [deal(1), *flash]) == []


def test_a_flash_is_copied_where_the_owner_wants_it():
    eye = Eye(copies_flashes=True)
    flash = [deal(2, 8, msc=2_000), deal(3, 8, entry=Entry.OUT, buys=False, msc=2_010)]

    assert eye.look([], flash) == [Kind.OPEN, Kind.CLOSE]


def test_an_opening_that_lost_a_part_before_anybody_looked_has_the_volume_that_is_shown():
    eye = Eye()
    deals = [deal(1), deal(2, entry=Entry.OUT, buys=False, volume="0.04", msc=1_050)]

    assert eye.look([position(volume="0.06", updated=1_050)], deals) == [Kind.OPEN]
    assert last(eye).volume == Decimal("0.06")
    assert eye.look([], [*deals, deal(3, entry=Entry.OUT, buys=False, volume="0.06", msc=2_000)]) == [Kind.CLOSE]


def test_deposits_and_commissions_are_no_trades(eye):
    deposit = deal(2, 0, type=2, symbol="", volume="0", order=0, msc=2_000)

    assert eye.look([position()], [deal(1), deposit]) == []


def test_a_pending_order_is_placed_changed_and_taken_back():
    eye = Eye()

    assert eye.look(orders=[order()]) == [Kind.PENDING]
    assert last(eye).type == "BUY_LIMIT"
    assert eye.look(orders=[order(price="1.07")]) == [Kind.PENDING_MODIFY]
    cancelled = order(state=OrderState.CANCELED, done=2_000)
    assert eye.look(ended={9: cancelled}) == [Kind.PENDING_REMOVE]
    assert last(eye).reason == "cancelled"


def test_a_pending_order_that_fills_is_told_before_the_position_it_becomes():
    eye = Eye()
    eye.look(orders=[order()])
    filled = order(state=OrderState.FILLED, done=2_000)

    kinds = eye.look([position(9, msc=2_000)], [deal(1, 9, msc=2_000, order=9)], ended={9: filled})

    assert kinds == [Kind.PENDING_FILLED, Kind.OPEN]
    assert last(eye).number == 9


def test_a_pending_order_of_which_history_knows_nothing_is_an_alarm():
    eye = Eye()
    eye.look(orders=[order()])

    assert eye.look() == []
    assert eye.look(later_s=3) == [Kind.ALARM]
    assert eye.look(orders=[order()]) == []


def test_a_market_order_on_its_way_is_no_pending_order():
    assert Eye().look(orders=[order(type=0)]) == []


def test_the_first_look_ever_takes_old_deals_for_history():
    eye = Eye()
    eye.memory = Memory()
    old = [deal(1, 3, msc=500), deal(2, 3, entry=Entry.OUT, buys=False, msc=600), deal(3, msc=1_000)]

    assert eye.look([position()], old, catching_up=True) == [Kind.OPEN]
    assert last(eye).catching_up


def test_a_close_right_after_the_first_look_is_not_taken_for_history():
    eye = Eye()
    eye.memory = Memory()
    out = deal(2, entry=Entry.OUT, buys=False, msc=1_500)
    eye.look([position()], [deal(1), out], catching_up=True)

    assert eye.look([], [deal(1), out]) == [Kind.CLOSE]


def test_what_closed_while_nobody_watched_is_closed_with_its_reason(eye):
    part = deal(2, entry=Entry.OUT, buys=False, volume="0.04", msc=2_000)
    rest = deal(3, entry=Entry.OUT, buys=False, volume="0.06", msc=3_000, reason=4)

    assert eye.look([], [deal(1), part, rest], later_s=600, catching_up=True) == [Kind.CLOSE]
    assert (last(eye).reason, last(eye).catching_up) == ("stop_loss", True)


def test_a_difference_is_seen_without_the_ledger(eye):
    assert not differs(eye.memory, [position()], [])
    assert not differs(eye.memory, [position(profit=Decimal(5))], [])
    assert differs(eye.memory, [position(tp="1.1")], [])
    assert differs(eye.memory, [], [])
    assert differs(eye.memory, [position()], [order()])


def test_two_looks_agree_only_on_the_same_positions_and_orders():
    empty, full = Sight(positions=[], orders=[]), Sight(positions=[position()], orders=[])

    assert not agree(None, empty)
    assert not agree(empty, full)
    assert agree(full, Sight(positions=[position(sl="1")], orders=[]))


def test_believing_plays_every_event_of_a_long_netting_session():
    eye, broker = Eye(), Broker(hedging=False)
    for is_buy, lots in [(True, 10), (True, 20), (False, 15), (False, 40), (True, 25), (True, 5)]:
        broker.trade(1, is_buy=is_buy, lots=lots)
        eye.look(broker.shown(), broker.deals)

    held = {one.ticket: (one.symbol, "BUY", one.volume, one.sl) for one in broker.shown()}
    assert believed(eye.events) == held
