"""One trading account: who it is, what it holds, everything it ever did."""

from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.simulators.metatrader5.broker.records import Deal, Order, Position
from copydesk.simulators.metatrader5.broker.words import MarginMode

SERVER = "Copydesk-Demo"
POSITIONS_MAX = 200
ORDERS_MAX = 200


@dataclass(slots=True, kw_only=True)
class Account:
    """``investor``: a second password that may look and not trade. Stop-out at ``stop_out_pct`` of margin level."""

    login: int
    password: str
    investor: str = ""
    name: str = "Copydesk trader"
    server: str = SERVER
    currency: str = "USD"
    leverage: int = 100
    margin_mode: MarginMode = MarginMode.HEDGING
    balance: Decimal = Decimal(0)
    margin_call_pct: Decimal = Decimal(100)
    stop_out_pct: Decimal = Decimal(50)
    trade_allowed: bool = True
    trade_expert: bool = True
    commission_per_lot: Decimal = Decimal(0)
    positions: dict[int, Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    old_orders: dict[int, Order] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)

    @property
    def is_hedging(self) -> bool:
        return self.margin_mode is MarginMode.HEDGING

    def held(self, symbol: str) -> Position | None:
        """The one position of a netting account in this symbol."""
        return next((each for each in self.positions.values() if each.symbol == symbol), None)

    def knew(self, ticket: int) -> bool:
        """Whether a position of this ticket or identifier existed once."""
        return any(ticket in {deal.position_id, deal.order} for deal in self.deals if deal.position_id)
