"""One account's assets, free and locked, and its orders. An asset's total changes only by fills, fees and deposits."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from copydesk.simulators.binance.spot.records import ZERO, Fill, Order, OrderList
from copydesk.simulators.binance.spot.refusals import POOR, refused
from copydesk.simulators.binance.spot.symbols import ASSETS

FEE_RATE = Decimal("0.001")  # maker and taker alike, the regular tier
_UNIT = Decimal("0.00000001")


@dataclass(slots=True, kw_only=True)
class Balance:
    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


@dataclass(slots=True, kw_only=True)
class Wallet:
    api_key: str
    created_ms: int
    update_ms: int = 0
    start: dict[str, Decimal] = field(default_factory=dict)
    balances: dict[str, Balance] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    lists: dict[int, OrderList] = field(default_factory=dict)
    open_orders: dict[int, Order] = field(default_factory=dict)
    _latest: dict[str, int] = field(default_factory=dict)
    _fills_of: dict[int, list[Fill]] = field(default_factory=dict)

    def balance(self, asset: str) -> Balance:
        return self.balances.setdefault(asset, Balance())

    def shown(self) -> Iterator[tuple[str, Balance]]:
        """Every asset the venue lists, held or not."""
        for asset in ASSETS:
            yield asset, self.balance(asset)

    def set_total(self, asset: str, total: Decimal) -> Decimal:
        """A deposit or withdrawal, what is locked stays; answers by how much the balance changed."""
        balance = self.balance(asset)
        change = max(total, balance.locked) - balance.total
        balance.free += change
        self.start[asset] = self.start.get(asset, ZERO) + change
        return change

    def lock(self, asset: str, amount: Decimal) -> None:
        """Raises RefusedError -2010 when that much is not free."""
        balance = self.balance(asset)
        if amount > balance.free:
            raise refused(-2010, POOR)
        balance.free -= amount
        balance.locked += amount

    def release(self, asset: str, amount: Decimal) -> None:
        balance = self.balance(asset)
        balance.locked -= amount
        balance.free += amount

    def exchange(self, *, paid: tuple[str, Decimal], received: tuple[str, Decimal]) -> Decimal:
        """Pay from what is locked, receive less the fee; answers the fee, which is in the asset received."""
        fee = (received[1] * FEE_RATE).quantize(_UNIT, ROUND_DOWN)
        self.balance(paid[0]).locked -= paid[1]
        self.balance(received[0]).free += received[1] - fee
        return fee

    def keep(self, order: Order) -> None:
        self.orders[order.order_id] = order
        self._latest[order.client_order_id] = order.order_id
        if order.is_open:
            self.open_orders[order.order_id] = order

    def keep_fill(self, fill: Fill) -> None:
        self.fills.append(fill)
        self._fills_of.setdefault(fill.order_id, []).append(fill)

    def named(self, client_order_id: str) -> Order | None:
        """The newest order with this client id: the id of a final order may have been used again."""
        order_id = self._latest.get(client_order_id)
        return None if order_id is None else self.orders[order_id]

    def is_open_id(self, client_order_id: str) -> bool:
        order = self.named(client_order_id)
        return order is not None and order.is_open

    def open_of(self, symbol: str | None) -> list[Order]:
        return [order for order in self.open_orders.values() if symbol in {None, order.symbol}]

    def fills_of(self, order_id: int) -> list[Fill]:
        return self._fills_of.get(order_id, [])
