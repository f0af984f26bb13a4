"""Whatever is asked of it, spot neither makes money nor loses it, and takes no order its own filters forbid."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.server import make_exchange, make_spot
from copydesk.simulators.binance.spot import clockwork, lists, matching, trading
from copydesk.simulators.binance.spot.records import LIMIT_TYPES, STOP_TYPES, OrderRequest
from copydesk.simulators.binance.spot.symbols import ORDER_TYPES, PAIRS
from copydesk.simulators.market import Market, Start

START_MS = 1_700_000_000_000
FUNDS = {"USDT": Decimal(5_000), "BTC": Decimal("0.2"), "ETH": Decimal(2), "USDC": Decimal(1_000)}
SYMBOLS = ("BTCUSDT", "ETHUSDT", "BTCUSDC", "ETHBTC")
HOMES = {
    "BTCUSDT": Decimal(95_200),
    "ETHUSDT": Decimal(3_300),
    "BTCUSDC": Decimal(95_200),
    "ETHBTC": Decimal("0.03466"),
}
TIMED = {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}


def make(seed=1, share="1"):
    exchange = make_exchange(seed=seed, now_ms=START_MS)
    spot = make_spot(exchange, seed=seed)
    spot.deposit("alice", dict(FUNDS), START_MS)
    for depth in spot.depth.values():
        depth.share = Decimal(share)
    return exchange, spot, spot.wallet("alice", START_MS)


@st.composite
def requests(draw, types=ORDER_TYPES):
    """Mostly sensible orders around the start price, with wrong steps, sizes and prices among them."""
    symbol, kind = draw(st.sampled_from(SYMBOLS)), draw(st.sampled_from(types))
    pair, home = PAIRS[symbol], HOMES[symbol]
    sloppy = draw(st.integers(0, 14)) == 0

    def price():
        rough = home * draw(st.decimals("0.95", "1.05", places=4))
        return rough + pair.tick / 2 if sloppy else rough // pair.tick * pair.tick

    worth = draw(st.integers(4, 2_500)) * (1 if pair.quote != "BTC" else Decimal("0.00001"))
    by_money = kind == "MARKET" and draw(st.booleans())
    trailing = kind in STOP_TYPES and draw(st.integers(0, 2)) == 0
    return OrderRequest(
        symbol=symbol,
        side=draw(st.sampled_from(("BUY", "SELL"))),
        type=kind,
        quantity=Decimal(0) if by_money else worth / home // pair.step * pair.step + (pair.step / 2 if sloppy else 0),
        quote_quantity=Decimal(worth) if by_money else Decimal(0),
        price=price() if kind in LIMIT_TYPES else Decimal(0),
        stop_price=price() if kind in STOP_TYPES and not trailing else Decimal(0),
        trailing_delta=draw(st.integers(5, 300)) if trailing else 0,
        time_in_force=draw(st.sampled_from(("GTC", "GTC", "IOC", "FOK"))) if kind in TIMED else "GTC",
        client_id=draw(st.sampled_from((None, None, "a", "b"))),
    )


PLACE = st.tuples(st.just("place"), requests())
MOVE = st.tuples(st.just("move"), st.tuples(st.sampled_from(SYMBOLS), st.decimals("0.96", "1.04", places=3)))
SHARES = st.sampled_from(("1", "0.0005"))  # a book that fills at once, and one that fills by and by
STEPS = st.lists(
    st.one_of(
        PLACE,
        PLACE,
        PLACE,
        MOVE,
        MOVE,
        st.tuples(st.just("pair up"), requests(("LIMIT_MAKER",))),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
    ),
    min_size=12,
    max_size=30,
)


class Story:
    """Plays steps on a venue of its own; a refusal must change nothing."""

    def __init__(self, share):
        self.exchange, self.spot, self.wallet = make(share=share)
        self.now_ms = START_MS

    def play(self, step):
        kind, what = step
        before = self.picture()
        try:
            getattr(self, kind.replace(" ", "_"))(what)
        except RefusedError:
            assert self.picture() == before

    def picture(self):
        return (
            {asset: (balance.free, balance.locked) for asset, balance in self.wallet.shown()},
            [(order.order_id, order.status, order.locked) for order in self.wallet.orders.values()],
            len(self.wallet.fills),
        )

    def place(self, request):
        trading.place(self.spot, self.wallet, request, self.now_ms)

    def pair_up(self, maker):
        """A stop as far on the other side of the price as the maker order is on its own."""
        last, tick = self.spot.last(maker.symbol), PAIRS[maker.symbol].tick
        stop = OrderRequest(
            symbol=maker.symbol,
            side=maker.side,
            type="STOP_LOSS",
            quantity=maker.quantity,
            stop_price=max(tick, 2 * last - maker.price),
        )
        above, below = (maker, stop) if maker.side == "SELL" else (stop, maker)
        lists.place(self.spot, self.wallet, (above, below), None, self.now_ms)

    def cancel(self, number):
        orders = list(self.wallet.orders.values())
        if orders:
            trading.cancel(self.spot, self.wallet, orders[number % len(orders)], self.now_ms, "cancel")

    def move(self, what):
        symbol, factor = what
        line = PAIRS[symbol].line
        self.spot.market.put(line, self.spot.last(symbol) * factor, self.now_ms, hold=False)
        clockwork.follow(self.spot, self.now_ms)

    def wait(self, steps):
        self.now_ms += steps * 250
        for at_ms in self.spot.market.steps(self.now_ms):
            clockwork.follow(self.spot, at_ms)


@settings(max_examples=150, deadline=None)
@given(SHARES, STEPS)
def test_a_wallet_changes_by_fills_and_fees_alone_and_is_never_overdrawn(share, steps):
    story = Story(share)

    for step in steps:
        story.play(step)

        wallet = story.wallet
        expected = dict(FUNDS)
        for fill in wallet.fills:
            pair, sign = PAIRS[fill.symbol], 1 if fill.side == "BUY" else -1
            expected[pair.base] = expected.get(pair.base, Decimal(0)) + sign * fill.quantity
            expected[pair.quote] = expected.get(pair.quote, Decimal(0)) - sign * fill.quantity * fill.price
            expected[fill.fee_asset] -= fill.fee
        bound = {}
        for order in wallet.orders.values():
            asset = matching.funding_asset(PAIRS[order.symbol], order.side)
            bound[asset] = bound.get(asset, Decimal(0)) + order.locked
        for asset, balance in wallet.shown():
            assert balance.free >= 0
            assert balance.locked >= 0
            assert balance.locked == bound.get(asset, 0)
            assert balance.total == expected.get(asset, 0)


@settings(max_examples=150, deadline=None)
@given(SHARES, STEPS)
def test_every_order_that_was_taken_keeps_the_filters_and_ends_in_one_state(share, steps):
    story = Story(share)

    for step in steps:
        story.play(step)

    open_ids = set(story.wallet.open_orders)
    for order in story.wallet.orders.values():
        pair = PAIRS[order.symbol]
        assert order.quantity >= pair.step
        assert order.quantity % pair.step == 0
        assert order.price % pair.tick == order.stop_price % pair.tick == 0
        assert (order.order_id in open_ids) == order.is_open
        assert (order.executed == order.quantity) == (order.status == "FILLED")
        assert (order.status == "PARTIALLY_FILLED") <= (0 < order.executed < order.quantity)
        assert order.is_open or order.locked == 0
    waiting = [order.client_order_id for order in story.wallet.open_orders.values()]
    assert len(set(waiting)) == len(waiting)
    for listed in story.wallet.lists.values():
        legs = [story.wallet.orders[order_id] for order_id in listed.order_ids]
        assert sum(leg.executed > 0 for leg in legs) <= 1
        assert listed.is_done == (sum(leg.is_open for leg in legs) < 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_000_000), st.integers(1, 200))
def test_the_same_seed_trades_the_same_tape(seed, steps):
    def tapes():
        _, spot, _ = make(seed)
        for at_ms in spot.market.steps(START_MS + steps * 250):
            clockwork.follow(spot, at_ms)
        return [tape.latest(steps) for tape in spot.tapes.values()]

    first = tapes()

    assert first == tapes()
    assert all(len(trades) == steps for trades in first)


def test_a_fill_is_worth_no_more_decimals_than_an_asset_has():
    assert all((pair.tick * pair.step).normalize().as_tuple().exponent >= -8 for pair in PAIRS.values())


def test_only_so_many_orders_may_wait_on_one_pair():
    _, spot, wallet = make()
    request = OrderRequest(
        symbol="BTCUSDT", side="BUY", type="LIMIT", quantity=Decimal("0.0002"), price=Decimal(90_000)
    )

    for _ in range(200):
        trading.place(spot, wallet, request, START_MS)

    with pytest.raises(RefusedError, match="MAX_NUM_ORDERS"):
        trading.place(spot, wallet, request, START_MS)


def test_the_futures_prices_are_what_they_were_without_spot_beside_them():
    exchange, spot, _ = make()
    starts = [Start(symbol=each.symbol, price=each.start_price, tick=each.tick) for each in INSTRUMENTS.values()]
    alone = Market(seed=1, starts=starts, now_ms=START_MS)

    for _ in zip(alone.steps(START_MS + 10_000), spot.market.steps(START_MS + 10_000), strict=True):
        assert [alone.quote(symbol) for symbol in INSTRUMENTS] == [exchange.quote(symbol) for symbol in INSTRUMENTS]
        assert spot.last("BTCUSDT") == spot.last("BTCUSDC") == alone.quote("BTCUSDT").last
