"""However a session goes and however rarely somebody looks: what was told adds up to what there is."""

from hypothesis import given, settings
from hypothesis import strategies as st
from observer_support import Broker, Eye, believed

from copydesk.terminal.events import Kind

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["trade", "trade", "trade", "close", "levels", "look", "look", "lag", "again"]),
        st.integers(0, 5),
        st.booleans(),
        st.integers(1, 30),
    ),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(STEPS, st.booleans())
def test_events_add_up_to_the_positions_whatever_is_traded_between_two_looks(steps, hedging):
    broker, eye = Broker(hedging=hedging), Eye()
    for what, number, is_buy, lots in steps:
        _do(broker, eye, what, number, is_buy=is_buy, lots=lots)
    eye.look(broker.shown(), broker.deals)

    held = {one.identifier: (one.symbol, "BUY" if one.is_buy else "SELL", one.volume, one.sl) for one in broker.shown()}
    # A position that turned twice between two looks goes on under the number that the hub knows.
    names = {one.number: one.identifier for one in eye.events}
    assert {names[number]: what for number, what in believed(eye.events).items()} == held
    keys = [(one.identifier, one.kind, one.detail) for one in eye.events]
    assert len(keys) == len(set(keys))
    assert Kind.ALARM not in {one.kind for one in eye.events}


@settings(max_examples=150, deadline=None)
@given(STEPS, st.booleans())
def test_looking_twice_at_the_same_thing_tells_nothing_new(steps, hedging):
    broker, eye = Broker(hedging=hedging), Eye()
    for what, number, is_buy, lots in steps:
        _do(broker, eye, what, number, is_buy=is_buy, lots=lots)
    eye.look(broker.shown(), broker.deals)

    assert eye.look(broker.shown(), broker.deals) == []
    assert eye.look(broker.shown(), broker.deals, later_s=60) == []


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_an_empty_ledger_and_empty_positions_never_close_anything(steps):
    broker, eye = Broker(), Eye()
    for what, number, is_buy, lots in steps:
        _do(broker, eye, what, number, is_buy=is_buy, lots=lots)
    eye.look(broker.shown(), broker.deals)
    known = dict(eye.memory.positions)

    for later_s in (0.05, 5, 60):
        assert set(eye.look([], [], later_s=later_s)) <= {Kind.ALARM}

    assert set(eye.memory.positions) == set(known)
    assert set(eye.look(broker.shown(), broker.deals)) == set()


def _do(broker, eye, what, number, *, is_buy, lots):
    open_ones = sorted(broker.positions)
    target = open_ones[number % len(open_ones)] if open_ones else None
    match what:
        case "trade":
            broker.trade(number % 2, is_buy=is_buy, lots=lots)
        case "close" if target is not None and broker.hedging:
            held = broker.positions[target]
            part = min(lots, int(held.volume * 100))
            broker.trade(0, is_buy=not held.is_buy, lots=part, target=target)
        case "levels" if target is not None:
            broker.set_levels(target, lots)
        case "look":
            eye.look(broker.shown(), broker.deals)
        case "lag":
            eye.look(broker.shown(), broker.deals[: max(0, len(broker.deals) - number % 3)])
        case "again":
            eye.look(broker.shown(), broker.deals, later_s=1)
