"""The exchange as a desk reaches it: the Venue and Session of ports/venue.py, with Binance's own codec between them.

A request that has left goes on without the program that sent it; an answer reaches only a program that still lives.
"""

import asyncio
import json
from collections import deque
from datetime import timedelta
from decimal import Decimal

from copydesk.domain.bot import MarketType
from copydesk.domain.errors import OutcomeUnknown, VenueError, VenueUnavailable
from copydesk.domain.instrument import Instrument
from copydesk.domain.planning import Quote
from copydesk.domain.signal import Direction, Side
from copydesk.domain.subscription import PositionMode
from copydesk.ports.venue import (
    Balance,
    ClockReading,
    KeyPermissions,
    OrderNews,
    StreamOpened,
    Traits,
    VenuePosition,
    VenueTrade,
)
from copydesk.venues.binance import codec
from copydesk.venues.binance.refusals import read_refusal
from simulation.exchange import ON_READS, ON_THE_WAY, STEP, TICK, Listener, Order, Refusal
from simulation.world import EPOCH

BEGUN = 0.5
"""How many orders take the way that waits for nothing."""

GIVES_UP_S = 10.0
"""Until an order that was begun is not waited for any more, as over the venue's own connections."""

_BROKEN = (
    "drop_before",
    "drop_after",
    "truncated",
    "empty_200",
    "html_502",
    "unknown_executed",
    "unknown_not_executed",
)


class SimulatedVenue:
    """One program's way to the exchange. `resends`: its HTTP library tries again by itself (a known-bad one)."""

    traits = Traits(
        markets=frozenset({MarketType.FUTURES}), credentials=("api_key",), tells_news=True, lists_orders=True
    )
    resends = False

    def __init__(self, exchange, clock):
        self.exchange = exchange
        self.world = exchange.world
        self._clock = clock

    def freeze(self, order, *, mode, at):
        return codec.freeze(order, mode=mode, at=at)

    def open_session(self, account, credentials):
        return SimulatedSession(self, account.id)

    async def quote(self, environment, symbol):
        await self._way()
        instrument = Instrument(
            symbol=symbol,
            base=symbol.removesuffix("USDT"),
            quote="USDT",
            price_tick=TICK,
            quantity_step=STEP,
            quantity_min=STEP,
            quantity_max=Decimal(1000),
            notional_min=Decimal(5),
        )
        return Quote(instrument=instrument, last_price=self.exchange.prices[symbol], markets=self.traits.markets)

    async def read_clock(self, environment):
        began_s = self._clock.elapsed()
        await self._way()
        shown = self.world.now
        await self._way()
        half_s = (self._clock.elapsed() - began_s) / 2
        offset = shown - (self._clock.now() - timedelta(seconds=half_s))
        return ClockReading(offset_s=offset.total_seconds(), uncertainty_s=half_s)

    async def listen(self, sessions):
        news, arrived = deque(), asyncio.Event()
        program = asyncio.get_running_loop()

        def push(snapshot):
            news.append(snapshot)
            self.world.after(0, program.enter, arrived.set, program=program)

        await self._way()
        listener = Listener(self.exchange, frozenset(sessions), push)
        self.exchange.listeners.append(listener)
        try:
            yield StreamOpened(accounts=frozenset(sessions))
            while True:
                await arrived.wait()
                arrived.clear()
                while news:
                    snapshot = news.popleft()
                    if snapshot is None:
                        raise VenueUnavailable("the stream was cut")
                    yield _news(*snapshot)
        finally:
            listener.close()

    async def wait(self, seconds):
        await self._clock.sleep(seconds)

    async def _way(self):
        await self._clock.sleep(self.world.random.uniform(0.002, 0.03))


class SimulatedSession:
    """One account; what its requests suffer is drawn for each."""

    def __init__(self, venue, account):
        self._venue = venue
        self._exchange = venue.exchange
        self._world = venue.world
        self._account = account

    async def prepare(self, symbol, *, leverage, margin_mode):
        await self._read()
        return PositionMode.ONE_WAY

    async def place(self, request):
        try:
            return await self._place_once(request)
        except OutcomeUnknown:
            if not self._venue.resends:
                raise
            return await self._place_once(request)

    def begin(self, request):
        """Every other plain order is on the wire at once, as over an open connection."""
        if request.conditional or self._venue.resends or self._world.random.random() < BEGUN:
            return None
        done, struck, client_id = self._leave(request)
        program = asyncio.get_running_loop()
        shown = program.create_future()
        done.add_done_callback(lambda told: self._show(shown, told, struck, client_id))
        late = OutcomeUnknown("Binance: no answer in time")
        self._world.after(GIVES_UP_S, program.enter, _fail, shown, late, program=program)
        return shown

    def _show(self, shown, told, struck, client_id):
        if shown.done() or told.cancelled():
            return
        try:
            shown.set_result(self._read_answer(told.result(), struck, client_id))
        except VenueError as error:
            shown.set_exception(error)

    async def _place_once(self, request):
        done, struck, client_id = self._leave(request)
        return self._read_answer(await done, struck, client_id)

    def _leave(self, request):
        struck = self._exchange.faults.strike(self._world, ON_THE_WAY)
        program, params = asyncio.get_running_loop(), request.params
        done = program.create_future()
        client_id = params.get("newClientOrderId") or params["clientAlgoId"]
        self._world.tell("sent", client_id, sorted(struck))
        self._exchange.sent.append((self._world.now_s, client_id))

        def answer(outcome):
            wait_s = self._world.random.uniform(5, 30) if "delay_after" in struck else 0.01
            self._world.after(wait_s, program.enter, _set, done, outcome, program=program)

        late_s = (
            self._world.random.uniform(1, 20) if "late_bytes" in struck else self._world.random.uniform(0.001, 0.05)
        )
        self._world.after(late_s, self._exchange.arrive, self._account, params, struck, self._world.now_s, answer)
        if self._exchange.after_sent is not None:
            self._exchange.after_sent(program)
        return done, struck, client_id

    def _read_answer(self, outcome, struck, client_id):
        if isinstance(outcome, Refusal):
            raise read_refusal(400, json.dumps({"code": outcome.code, "msg": outcome.text}), {})
        if {"rate_limit", "ban"} & struck:
            wait = "2" if "rate_limit" in struck else "20"
            raise read_refusal(429, json.dumps({"code": -1003, "msg": "Too many requests"}), {"Retry-After": wait})
        broken = next((kind for kind in _BROKEN if kind in struck), None)
        if broken is not None or outcome is None:
            raise OutcomeUnknown(f"Binance: {broken}")
        return _report(outcome, client_id)

    async def cancel(self, order):
        await self._read()
        self._exchange.cancel(self._account, order.client_order_id)
        await self._read()

    async def look_up(self, order):
        await self._read()
        found = self._exchange.find(self._account, order.client_order_id)
        return None if found is None else _report(found, order.client_order_id)

    async def trades_since(self, symbol, since):
        await self._read()
        seen = self._exchange.visible(self._account, symbol, (since - EPOCH).total_seconds())
        return [
            VenueTrade(
                exchange_order_id=str(one.number),
                side=Side(one.side),
                quantity=one.executed,
                price=one.price,
                fee_usd=Decimal(0),
            )
            for one in seen
            if one.executed
        ]

    async def orders_since(self, symbol, since):
        await self._read()
        seen = self._exchange.visible(self._account, symbol, (since - EPOCH).total_seconds())
        became = {one.became.number for one in seen if one.became is not None}
        return [_report(one, one.client_id) for one in seen if one.number not in became]

    async def positions(self):
        await self._read()
        held = ((key, amount) for key, amount in self._exchange.positions.items() if key[0] == self._account and amount)
        return [
            VenuePosition(
                symbol=symbol,
                direction=Direction.LONG if amount > 0 else Direction.SHORT,
                quantity=abs(amount),
                entry_price=Decimal(0),
            )
            for (_, symbol), amount in held
        ]

    async def balance(self):
        return Balance(total_usd=Decimal(100_000), available_usd=Decimal(100_000))

    async def permissions(self):
        return KeyPermissions(asked=True, can_trade=True)

    async def _read(self):
        struck = self._exchange.faults.strike(self._world, ON_READS)
        await self._venue.wait(self._world.random.uniform(3, 14) if "read_slow" in struck else 0.01)
        if "read_throttled" in struck:
            raise VenueUnavailable("Too many requests", code=-1003, retry_after_s=2.0)
        if "read_dropped" in struck:
            raise OutcomeUnknown("Binance: the connection broke")


def _set(done, outcome):
    if not done.done():
        done.set_result(outcome)


def _fail(done, error):
    if not done.done():
        done.set_exception(error)


def _report(order, client_id):
    """Through the codec, as the venue's own rows."""
    if not order.conditional:
        return codec.read_order(_row(order, order.status, order.executed, order.price), client_id)
    row = {"algoStatus": order.status, "algoId": order.number, "clientAlgoId": order.client_id}
    if order.became is None:
        return codec.read_algo_order(row, client_id)
    became = order.became
    return codec.read_order(_row(became, became.status, became.executed, became.price, client_id), client_id)


def _row(order, status, executed, price, client_id=None):
    return {
        "orderId": order.number,
        "clientOrderId": client_id or order.client_id,
        "status": status,
        "executedQty": str(executed),
        "avgPrice": str(price or 0),
    }


def _news(order: Order, status, executed, price):
    if order.conditional:
        return OrderNews(account_id=order.account, client_order_id=order.client_id)
    row = _row(order, status, executed, price)
    return OrderNews(
        account_id=order.account,
        client_order_id=order.client_id,
        report=codec.read_order(row, order.client_id),
    )
