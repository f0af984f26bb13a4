"""A futures exchange as the fact sheet tells it, in virtual time, with everything that can go wrong on the way to it and back.

It keeps what real ones promise (docs/safety.md: the timestamp is checked on arrival, the backend takes at most 10 s, reads lag at most
2 s) unless the story is `wild`: then reads may lag for a minute, and only what needs no promise must hold.
"""

import itertools
from dataclasses import dataclass, field
from decimal import Decimal

RECEIVE_WINDOW_S = 3.0
BACKEND_MAX_S = 10.0
READ_LAG_MAX_S = 2.0
WILD_LAG_MAX_S = 60.0
STEP = Decimal("0.001")
TICK = Decimal("0.1")

# What may happen to an order on its way (contract.md §5), and whether it is executed then.
ON_THE_WAY = {
    "delay_before": True,
    "delay_after": True,
    "drop_before": False,
    "drop_after": True,
    "truncated": True,
    "empty_200": True,
    "html_502": False,
    "unknown_executed": True,
    "unknown_not_executed": False,
    "rate_limit": False,
    "ban": False,
    "clock_skew": False,
    "late_not_found": True,
    "late_bytes": True,
    "book_exhausted": True,
}
IN_THE_STREAM = ("duplicate_event", "reordered_event", "stream_disconnect")
ON_READS = ("read_dropped", "read_throttled", "read_slow")
KINDS = (*ON_THE_WAY, *IN_THE_STREAM, *ON_READS)


@dataclass(slots=True, kw_only=True)
class Order:
    number: int
    client_id: str
    account: str
    symbol: str
    side: str
    quantity: Decimal
    reduce_only: bool
    sent_s: float
    arrived_s: float
    conditional: bool = False
    trigger_price: Decimal | None = None
    triggers_above: bool = False
    executed: Decimal = Decimal(0)
    price: Decimal | None = None
    status: str = "NEW"
    executed_s: float | None = None
    shown_from_s: float = 0.0
    became: "Order | None" = None

    @property
    def signed(self):
        return self.executed if self.side == "BUY" else -self.executed


@dataclass(slots=True)
class Refusal:
    code: int
    text: str = "refused"


@dataclass(slots=True)
class Faults:
    """Which kinds may strike, how probably; a request suffers at most two at once."""

    kinds: tuple[str, ...] = ()
    probability: float = 0.0

    def strike(self, world, among):
        if not self.probability or world.random.random() >= self.probability:
            return frozenset()
        possible = [kind for kind in self.kinds if kind in among]
        struck = frozenset(world.random.sample(possible, min(len(possible), world.random.choice((1, 1, 2)))))
        for kind in struck:
            world.faults[kind] += 1
        if len(struck) > 1:
            world.faults["pair " + "+".join(sorted(struck))] += 1
        return struck


class Exchange:
    """The ledger is `orders`: every order that was ever accepted."""

    def __init__(self, world, prices, *, wild=False):
        self.world = world
        self.prices = dict(prices)
        self.wild = wild
        self.faults = Faults()
        self.orders = []
        self.sent = []
        self.positions = {}
        self.listeners = []
        self.after_sent = None
        self.after_executed = None
        self._numbers = itertools.count(1)
        self._by_client = {}

    def open_by_client(self, account, client_id):
        found = self._by_client.get((account, client_id), ())
        return next((one for one in found if one.status == "NEW"), None)

    def find(self, account, client_id):
        """The newest with that id that reads show by now."""
        found = self._by_client.get((account, client_id), ())
        shown = [one for one in found if one.shown_from_s <= self.world.now_s]
        return shown[-1] if shown else None

    def visible(self, account, symbol, since_s):
        mine = (one for one in self.orders if (one.account, one.symbol) == (account, symbol))
        return [one for one in mine if one.arrived_s >= since_s and one.shown_from_s <= self.world.now_s]

    def arrive(self, account, params, struck, sent_s, answer):
        """The bytes are here: checked, then executed by the backend, perhaps later."""
        now_ms = int(self.world.now.timestamp() * 1000)
        skew_ms = 60_000 if "clock_skew" in struck else 0
        if not -1_000 < now_ms + skew_ms - int(params["timestamp"]) <= int(params["recvWindow"]):
            answer(Refusal(-1021, "Timestamp for this request is outside of the recvWindow."))
            return
        if not all(ON_THE_WAY[kind] for kind in struck):
            answer(None)
            return
        backend_s = self.world.random.uniform(0, BACKEND_MAX_S) if "delay_before" in struck else 0.001
        self.world.after(backend_s, self._take, account, params, struck, (sent_s, self.world.now_s), answer)

    def _take(self, account, params, struck, times, answer):
        order = self._order(account, params, *times)
        refusal = self._check(order, params)
        if refusal is not None:
            answer(refusal)
            return
        lag_max_s = WILD_LAG_MAX_S if self.wild else READ_LAG_MAX_S
        lag_s = self.world.random.uniform(0, lag_max_s * 0.95) if "late_not_found" in struck else 0.0
        order.shown_from_s = self.world.now_s + lag_s
        self.orders.append(order)
        self._by_client.setdefault((account, order.client_id), []).append(order)
        self.world.tell("accepted", order.number, order.client_id, order.side, order.quantity)
        if not order.conditional:
            whole = "book_exhausted" not in struck or order.quantity <= STEP
            self._execute(order, order.quantity if whole else order.quantity - STEP)
        self._tell(order)
        answer(order)

    def _order(self, account, params, sent_s, arrived_s):
        trigger = params.get("triggerPrice")
        takes_profit, buys = params["type"].startswith("TAKE_PROFIT"), params["side"] == "BUY"
        return Order(
            number=next(self._numbers),
            client_id=params.get("newClientOrderId") or params["clientAlgoId"],
            account=account,
            symbol=params["symbol"],
            side=params["side"],
            quantity=Decimal(params["quantity"]),
            reduce_only=params.get("reduceOnly") == "true",
            sent_s=sent_s,
            arrived_s=arrived_s,
            conditional=trigger is not None,
            trigger_price=None if trigger is None else Decimal(trigger),
            triggers_above=buys != takes_profit,
        )

    def _check(self, order, params):
        if self.open_by_client(order.account, order.client_id) is not None:
            return Refusal(-4116, "ClientOrderId is duplicated.")
        if order.quantity <= 0 or order.quantity % STEP or len(params["quantity"]) > 12:
            return Refusal(-1111, "Precision is over the maximum defined for this asset.")
        if order.conditional and self._is_triggered(order):
            return Refusal(-2021, "Order would immediately trigger.")
        if order.reduce_only and not order.conditional and self._reducible(order) <= 0:
            return Refusal(-2022, "ReduceOnly Order is rejected.")
        return None

    def _reducible(self, order):
        held = self.positions.get((order.account, order.symbol), Decimal(0))
        return -held if order.side == "BUY" else held

    def _execute(self, order, quantity):
        if order.reduce_only:
            quantity = min(quantity, self._reducible(order))
        order.executed, order.price = quantity, self.prices[order.symbol]
        order.status = "FILLED" if quantity == order.quantity else "EXPIRED"
        order.executed_s = self.world.now_s
        key = (order.account, order.symbol)
        self.positions[key] = self.positions.get(key, Decimal(0)) + order.signed
        self.world.tell("executed", order.number, order.executed, order.price)
        if self.after_executed is not None:
            self.after_executed(order)

    def cancel(self, account, client_id):
        order = self.open_by_client(account, client_id)
        if order is not None:
            order.status = "CANCELED"
            self.world.tell("cancelled", order.number)
            self._tell(order)

    def move_price(self, symbol, price):
        """Stops that it passes become orders."""
        self.prices[symbol] = price
        self.world.tell("price", symbol, price)
        for order in [one for one in self.orders if one.conditional and one.status == "NEW" and one.symbol == symbol]:
            if self._is_triggered(order):
                self._trigger(order)

    def _is_triggered(self, order):
        price = self.prices[order.symbol]
        return price >= order.trigger_price if order.triggers_above else price <= order.trigger_price

    def _trigger(self, algo):
        if self._reducible(algo) <= 0:
            algo.status = "EXPIRED"
            self._tell(algo)
            return
        number = next(self._numbers)
        became = Order(
            number=number,
            client_id=f"algo-{number}",
            account=algo.account,
            symbol=algo.symbol,
            side=algo.side,
            quantity=algo.quantity,
            reduce_only=True,
            sent_s=self.world.now_s,
            arrived_s=self.world.now_s,
        )
        algo.status, algo.became = "TRIGGERED", became
        self.orders.append(became)
        self._execute(became, became.quantity)
        self._tell(algo)

    def _tell(self, order):
        for listener in list(self.listeners):
            listener.hear(order)


@dataclass(slots=True, eq=False)
class Listener:
    """One connection of the stream: what is told, twice told, told late, or lost with the connection."""

    exchange: Exchange
    accounts: frozenset[str]
    push: object
    is_open: bool = True
    told: list = field(default_factory=list)

    def hear(self, order):
        if order.account not in self.accounts or not self.is_open:
            return
        world = self.exchange.world
        struck = self.exchange.faults.strike(world, IN_THE_STREAM)
        if "stream_disconnect" in struck:
            self.close()
            return
        snapshot = (order, order.status, order.executed, order.price)
        late_s = world.random.uniform(0.2, 2.0) if "reordered_event" in struck else world.random.uniform(0.005, 0.05)
        for _ in range(2 if "duplicate_event" in struck else 1):
            world.after(late_s, self._arrive, snapshot)
            late_s += world.random.uniform(0.001, 0.5)

    def close(self):
        if self.is_open:
            self.is_open = False
            if self in self.exchange.listeners:
                self.exchange.listeners.remove(self)
            self.push(None)

    def _arrive(self, snapshot):
        if self.is_open:
            self.push(snapshot)
