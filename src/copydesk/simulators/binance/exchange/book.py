"""One account's orders and conditional orders, found by either id; open ones are kept apart because they are asked for most."""

from collections.abc import Iterable
from decimal import Decimal

from copydesk.simulators.binance.exchange.records import ZERO, Algo, Fill, Order


class Book:
    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.algos: dict[int, Algo] = {}
        self.fills: list[Fill] = []
        self.open_orders: dict[int, Order] = {}
        self.open_algos: dict[int, Algo] = {}
        self._latest_order: dict[str, int] = {}
        self._latest_algo: dict[str, int] = {}
        self._fills_of: dict[int, list[Fill]] = {}

    def keep(self, order: Order) -> None:
        self.orders[order.order_id] = order
        self._latest_order[order.client_order_id] = order.order_id
        if order.is_open:
            self.open_orders[order.order_id] = order

    def keep_algo(self, algo: Algo) -> None:
        self.algos[algo.algo_id] = algo
        self._latest_algo[algo.client_algo_id] = algo.algo_id
        if algo.is_open:
            self.open_algos[algo.algo_id] = algo

    def keep_fill(self, fill: Fill) -> None:
        self.fills.append(fill)
        self._fills_of.setdefault(fill.order_id, []).append(fill)

    def fills_of(self, order_id: int) -> list[Fill]:
        return self._fills_of.get(order_id, [])

    def order_named(self, client_order_id: str) -> Order | None:
        """The newest order with this client id: a filled id may have been used again."""
        order_id = self._latest_order.get(client_order_id)
        return None if order_id is None else self.orders[order_id]

    def algo_named(self, client_algo_id: str) -> Algo | None:
        algo_id = self._latest_algo.get(client_algo_id)
        return None if algo_id is None else self.algos[algo_id]

    def is_open_id(self, client_order_id: str) -> bool:
        order = self.order_named(client_order_id)
        return order is not None and order.is_open

    def is_open_algo_id(self, client_algo_id: str) -> bool:
        algo = self.algo_named(client_algo_id)
        return algo is not None and algo.is_open

    def open_of(self, symbol: str | None) -> list[Order]:
        return [order for order in self.open_orders.values() if symbol in {None, order.symbol}]

    def open_algos_of(self, symbol: str | None) -> list[Algo]:
        return [algo for algo in self.open_algos.values() if symbol in {None, algo.symbol}]

    def reducing_quantity(self, symbol: str, side: str, position_side: str) -> Decimal:
        """How much open orders on this side already want to take off the position."""
        return sum_of(
            order.remaining
            for order in self.open_orders.values()
            if order.reduce_only and (order.symbol, order.side, order.position_side) == (symbol, side, position_side)
        )

    def has_open(self, symbol: str | None = None) -> bool:
        return bool(self.open_of(symbol) or self.open_algos_of(symbol))

    def waiting_notional(self, symbol: str, side: str | None = None) -> Decimal:
        """What open orders that may add to a position are worth."""
        return sum_of(
            order.remaining * order.price
            for order in self.open_orders.values()
            if order.symbol == symbol and not order.reduce_only and side in {None, order.side}
        )


def sum_of(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)
