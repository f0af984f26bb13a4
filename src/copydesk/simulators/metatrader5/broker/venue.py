"""The broker's state: accounts, quotes, the server's time and its tickets, and the records that every deal leaves."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from copydesk.simulators.market import Candle
from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.quotes import Quotes
from copydesk.simulators.metatrader5.broker.records import Deal, Order, Request
from copydesk.simulators.metatrader5.broker.words import (
    DealType,
    Entry,
    Filling,
    OrderState,
    OrderType,
    Reason,
)

_FIRST_TICKET = 500_000_001


class Venue:
    """Times are milliseconds of the server's clock."""

    def __init__(
        self, *, seed: int, now_ms: int, sessions: bool = False, replays: Mapping[str, Sequence[Candle]] | None = None
    ) -> None:
        self.quotes = Quotes(seed=seed, now_ms=now_ms, sessions=sessions, replays=replays)
        self.accounts: dict[int, Account] = {}
        self.now_ms = now_ms
        self.ticket = _FIRST_TICKET

    def next_ticket(self) -> int:
        """Orders and deals are counted by one counter; a position takes its opening order's number."""
        self.ticket += 1
        return self.ticket

    def open_account(self, account: Account) -> None:
        """Its balance becomes its first deal."""
        self.accounts[account.login] = account
        deposit, account.balance = account.balance, Decimal(0)
        self.deposit(account, deposit)

    def deposit(self, account: Account, amount: Decimal) -> None:
        """Negative amounts are withdrawals; nothing at all leaves no deal."""
        if amount:
            account.balance += amount
            deal = Deal(
                ticket=self.next_ticket(),
                time_msc=self.now_ms,
                type=DealType.BALANCE,
                profit=amount,
                comment="Deposit" if amount > 0 else "Withdrawal",
            )
            account.deals.append(deal)

    def market_order(
        self,
        request: Request,
        order_type: OrderType,
        volume: Decimal,
        price: Decimal,
        *,
        position_id: int = 0,
        state: OrderState = OrderState.FILLED,
    ) -> Order:
        """An order that is over as soon as it is made; the caller files it in the account's history."""
        return Order(
            ticket=self.next_ticket(),
            symbol=request.symbol,
            type=order_type,
            volume_initial=request.volume,
            volume_current=request.volume - volume,
            price=price,
            sl=request.sl,
            tp=request.tp,
            time_setup_msc=self.now_ms,
            time_done_msc=self.now_ms,
            filling=Filling(request.type_filling),
            state=state,
            magic=request.magic,
            position_id=position_id,
            reason=request.reason,
            comment=request.comment,
        )

    def note_deal(
        self,
        account: Account,
        order: Order,
        *,
        entry: Entry,
        volume: Decimal,
        price: Decimal,
        position_id: int,
        buy: bool,
        profit: Decimal = Decimal(0),
        swap: Decimal = Decimal(0),
        reason: Reason | None = None,
    ) -> Deal:
        """Record it and book its money."""
        commission = -(account.commission_per_lot * volume).quantize(Decimal("0.01"))
        deal = Deal(
            ticket=self.next_ticket(),
            order=order.ticket,
            time_msc=self.now_ms,
            type=DealType.BUY if buy else DealType.SELL,
            entry=entry,
            magic=order.magic,
            position_id=position_id,
            reason=order.reason if reason is None else reason,
            volume=volume,
            price=price,
            commission=commission,
            swap=swap,
            profit=profit,
            symbol=order.symbol,
            comment=order.comment,
        )
        account.deals.append(deal)
        account.balance += profit + swap + commission
        return deal

    def finish(self, account: Account, order: Order, state: OrderState) -> None:
        """Move an order to history."""
        account.orders.pop(order.ticket, None)
        order.state = state
        order.time_done_msc = self.now_ms
        account.old_orders[order.ticket] = order
