"""The pure core on its own clock: whatever is traded, the books add up."""

import contextlib
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.simulators.binance.clockwork import engine
from copydesk.simulators.binance.edge.limits import Limits
from copydesk.simulators.binance.exchange import trading
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.ledger import read_ledger
from copydesk.simulators.binance.exchange.requests import OrderRequest
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest.listen_keys import ListenKeys
from copydesk.simulators.binance.server import make_exchange

START = Decimal(100_000)
NOON = 1_800_000_000_000


def make_account(*, hedge=False, key="alice"):
    return Account(api_key=key, api_secret="s", start_balance=START, wallet=START, created_ms=NOON, hedge=hedge)


def order(side, thousandths, price=None, *, position_side="BOTH", reduce_only=None):
    return OrderRequest(
        symbol="BTCUSDT",
        side=side,
        position_side=position_side,
        type="MARKET" if price is None else "LIMIT",
        quantity=Decimal(thousandths) / 1_000,
        price=Decimal(price or 0),
        reduce_only=reduce_only,
    )


deeds = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 60),
        st.one_of(st.none(), st.integers(91_000, 99_000)),
        st.sampled_from(["LONG", "SHORT"]),
        st.sampled_from([None, True]),
        st.integers(92_000, 98_000),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=80)
@given(deeds=deeds, hedge=st.booleans())
def test_balance_is_start_plus_realised_less_fees_and_positions_are_the_sum_of_fills(deeds, hedge):
    exchange = make_exchange(seed=1, now_ms=NOON)
    account = make_account(hedge=hedge)
    exchange.adopt(account)

    for moment, (side, thousandths, limit, position_side, reduce_only, price) in enumerate(deeds):
        engine.put_price(exchange, "BTCUSDT", Decimal(price), NOON + moment, hold=True)
        request = order(
            side,
            thousandths,
            limit,
            position_side=position_side if hedge else "BOTH",
            reduce_only=None if hedge else reduce_only,
        )
        with contextlib.suppress(RefusedError):
            trading.place(exchange, account, request, NOON + moment)

    fills = account.book.fills
    assert account.wallet == START + sum(fill.realized for fill in fills) - sum(fill.fee for fill in fills)
    for position in account.positions.values():
        own = [fill for fill in fills if fill.position_side == position.side]
        spent = sum(fill.signed * fill.price for fill in own)
        assert position.quantity == sum(fill.signed for fill in own)
        assert position.realized + position.unrealized(Decimal(95_000)) == position.quantity * 95_000 - spent
        assert position.side == "BOTH" or (position.quantity >= 0) == (position.side == "LONG") or not position.quantity
    for each in account.book.orders.values():
        assert each.executed == sum(fill.quantity for fill in account.book.fills_of(each.order_id))
        assert (
            each.is_open
            == (each.order_id in exchange.resting["BTCUSDT"])
            == (each.order_id in account.book.open_orders)
        )


def played(seed):
    exchange = make_exchange(seed=seed, now_ms=NOON)
    prices = []
    for second in range(1, 60):
        engine.advance(exchange, NOON + second * 1_000)
        prices.append([exchange.quote(symbol) for symbol in INSTRUMENTS])
    return prices


def test_the_same_seed_plays_the_same_market_and_another_seed_another():
    assert played(7) == played(7)
    assert played(7) != played(8)


def test_the_market_moves_four_times_a_second_and_stays_in_order():
    exchange = make_exchange(seed=3, now_ms=NOON)

    steps = engine.advance(exchange, NOON + 60_000)

    quote = exchange.quote("BTCUSDT")
    assert steps == 240
    assert quote.bid < quote.last < quote.ask
    assert quote.last != Decimal(95_200)
    assert abs(quote.last / 95_200 - 1) < Decimal("0.02")


def test_another_librarys_rounding_does_not_change_the_books():
    """ccxt sets the ambient rounding of decimals; a fee then depended on who else lived in the process."""
    exchange = make_exchange(seed=1, now_ms=NOON)
    account = make_account()
    account.taker_rate = Decimal("0.00045")
    exchange.adopt(account)
    engine.put_price(exchange, "BTCUSDT", Decimal("182811.6"), NOON, hold=True)

    with localcontext() as ambient:
        ambient.rounding = ROUND_HALF_UP
        trading.place(exchange, account, order("BUY", 1), NOON)
        shown = plain(Decimal("0.000000005"))

    [fill] = account.book.fills
    assert fill.quantity * fill.price * account.taker_rate == Decimal("0.082265265")
    assert (fill.fee, shown) == (Decimal("0.08226526"), "0")


def test_refused_orders_leave_no_trace():
    exchange = make_exchange(seed=1, now_ms=NOON)
    account = make_account()
    exchange.adopt(account)

    with pytest.raises(RefusedError, match="-2019"):
        trading.place(exchange, account, order("BUY", 60_000), NOON)

    ledger = read_ledger(exchange)
    assert (ledger["orders"], ledger["fills"], exchange.last_order_id) == ([], [], 4_000_000_000)


def test_maintenance_margin_is_the_faqs_example():
    sol = INSTRUMENTS["SOLUSDT"]

    assert sol.maintenance(Decimal(10_000)) == sol.maintenance(Decimal("10000.0000001")).quantize(Decimal("0.01"))
    assert sol.maintenance(Decimal(50_000)) == Decimal(50_000) * Decimal("0.01") - Decimal(40)


def test_windows_are_calendar_windows_not_rolling_ones():
    limits = Limits(weight_per_minute=10)
    minute = NOON - NOON % 60_000

    limits.spend("here", 10, minute + 59_999)
    with pytest.raises(RefusedError) as refusal:
        limits.spend("here", 1, minute + 59_999)
    limits.spend("here", 10, minute + 60_000)

    assert (refusal.value.status, refusal.value.retry_after_s) == (429, 1)


def test_who_goes_on_after_429_is_banned():
    limits = Limits(weight_per_minute=1)
    for _ in range(400):
        with pytest.raises(RefusedError):
            limits.spend("here", 2, NOON)

    with pytest.raises(RefusedError) as refusal:
        limits.check_ban("here", NOON + 1_000)
    limits.check_ban("elsewhere", NOON)

    assert (refusal.value.status, refusal.value.code) == (418, -1003)
    limits.check_ban("here", NOON + 121_000)


def test_a_listen_key_lives_an_hour_after_the_last_sign_of_life():
    from random import Random

    keys = ListenKeys(Random(1))
    hour = 3_600_000

    key = keys.open("alice", NOON)
    keys.extend("alice", None, NOON + hour - 1)

    assert keys.owner(key, NOON + hour) == "alice"
    assert keys.expire(NOON + 2 * hour) == [(key, "alice")]
    with pytest.raises(RefusedError, match="-1125"):
        keys.extend("alice", key, NOON + 2 * hour)
