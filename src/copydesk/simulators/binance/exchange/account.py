"""One account: wallet, positions, margin. Pure arithmetic; prices come in as arguments."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.simulators.binance.exchange.book import Book, sum_of
from copydesk.simulators.binance.exchange.position import Position, to_cents
from copydesk.simulators.binance.exchange.records import ZERO, Fill, Income, MarginChange, Order

Marks = Callable[[str], Decimal]

DEFAULT_PERMISSIONS: Mapping[str, bool] = {
    "ipRestrict": False,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": True,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": False,
    "enableSpotAndMarginTrading": True,
    "enablePortfolioMarginTrading": False,
}
MAKER_RATE = Decimal("0.0002")
TAKER_RATE = Decimal("0.0005")
_BNB_DISCOUNT = Decimal("0.9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a fill costs: the account's rate unless the venue closes on its own terms, in BNB at this price if wished."""

    rate: Decimal | None = None
    bnb_price: Decimal | None = None


ORDINARY = Terms()


@dataclass(slots=True, kw_only=True)
class Setting:
    leverage: int = 20
    isolated: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    api_key: str
    api_secret: str
    start_balance: Decimal
    wallet: Decimal
    created_ms: int
    hedge: bool = False
    maker_rate: Decimal = MAKER_RATE
    taker_rate: Decimal = TAKER_RATE
    permissions: dict[str, bool] = field(default_factory=lambda: dict(DEFAULT_PERMISSIONS))
    positions: dict[str, Position] = field(default_factory=dict)
    settings: dict[str, Setting] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    multi_assets: bool = False
    fee_burn: bool = False
    bnb: Decimal = ZERO
    incomes: list[Income] = field(default_factory=list)
    margin_changes: list[MarginChange] = field(default_factory=list)
    countdowns: dict[str, int] = field(default_factory=dict)  # symbol: when all its orders are cancelled
    calm: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)  # marks between which its margin is safe
    called: bool = False  # told about thin margin, and not yet out of it

    def setting(self, symbol: str) -> Setting:
        return self.settings.setdefault(symbol, Setting())

    def position(self, symbol: str, side: str) -> Position:
        key = f"{symbol}:{side}"
        found = self.positions.get(key)
        if found is None:
            found = self.positions[key] = Position(symbol=symbol, side=side)
        return found

    def held(self, symbol: str | None = None) -> Iterator[Position]:
        """Positions that are not flat."""
        for position in self.positions.values():
            if position.quantity and symbol in {None, position.symbol}:
                yield position

    def settle(
        self,
        order: Order,
        *,
        trade_id: int,
        quantity: Decimal,
        price: Decimal,
        maker: bool,
        at_ms: int,
        terms: Terms = ORDINARY,
    ) -> Fill:
        """Execute a part of an order: position, wallet, order and fill change together."""
        position = self.position(order.symbol, order.position_side)
        before = position.quantity
        change = quantity if order.side == "BUY" else -quantity
        profit = position.take(change, price)
        self._carry(position, before, change, price)
        fee, asset = self._charge(quantity * price, terms, maker=maker)
        self.wallet += profit
        position.update_ms = at_ms
        order.executed += quantity
        order.quote += quantity * price
        order.update_ms = at_ms
        order.status = "FILLED" if order.executed == order.quantity else "PARTIALLY_FILLED"
        fill = Fill(
            trade_id=trade_id,
            order_id=order.order_id,
            account=self.api_key,
            symbol=order.symbol,
            side=order.side,
            position_side=order.position_side,
            quantity=quantity,
            price=price,
            fee=fee,
            realized=profit,
            maker=maker,
            time_ms=at_ms,
            fee_asset=asset,
        )
        self.book.keep_fill(fill)
        return fill

    def unrealized(self, marks: Marks) -> Decimal:
        return sum_of(position.unrealized(marks(position.symbol)) for position in self.held())

    def position_margin(self, position: Position, mark: Decimal) -> Decimal:
        setting = self.setting(position.symbol)
        if setting.isolated:
            return position.isolated_wallet
        return abs(position.quantity) * mark / setting.leverage

    def positions_margin(self, marks: Marks) -> Decimal:
        return sum_of(self.position_margin(position, marks(position.symbol)) for position in self.held())

    def orders_margin(self, symbol: str | None = None) -> Decimal:
        symbols = {order.symbol for order in self.book.open_orders.values()} if symbol is None else {symbol}
        return sum_of(self.book.waiting_notional(each) / self.setting(each).leverage for each in sorted(symbols))

    def cross_unrealized(self, marks: Marks) -> Decimal:
        return sum_of(
            position.unrealized(marks(position.symbol))
            for position in self.held()
            if not self.setting(position.symbol).isolated
        )

    def cross_wallet(self) -> Decimal:
        return self.wallet - sum_of(position.isolated_wallet for position in self.held())

    def available(self, marks: Marks) -> Decimal:
        """Cross wallet and cross profit, less what positions and open orders bind (single-asset mode)."""
        bound = sum_of(
            self.position_margin(position, marks(position.symbol))
            for position in self.held()
            if not self.setting(position.symbol).isolated
        )
        free = self.cross_wallet() + self.cross_unrealized(marks) - bound - self.orders_margin()
        return max(ZERO, free)

    def _carry(self, position: Position, before: Decimal, change: Decimal, price: Decimal) -> None:
        """Isolated margin: what closes gives its share back, what opens brings price divided by leverage."""
        setting = self.setting(position.symbol)
        if not setting.isolated:
            position.isolated_wallet = ZERO
            return
        closing = min(abs(before), abs(change)) if before * change < 0 else ZERO
        if closing == abs(before):
            position.isolated_wallet = ZERO
        else:
            position.isolated_wallet -= to_cents(position.isolated_wallet * closing / abs(before))
        opening = abs(change) - closing
        position.isolated_wallet += to_cents(opening * price / setting.leverage)

    def _charge(self, notional: Decimal, terms: Terms, *, maker: bool) -> tuple[Decimal, str]:
        rate = terms.rate if terms.rate is not None else self.maker_rate if maker else self.taker_rate
        fee = to_cents(notional * rate)
        if terms.bnb_price:
            in_bnb = to_cents(fee * _BNB_DISCOUNT / terms.bnb_price)
            if in_bnb <= self.bnb:
                self.bnb -= in_bnb
                return in_bnb, "BNB"
        self.wallet -= fee
        return fee, "USDT"
