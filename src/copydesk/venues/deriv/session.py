"""One account at Deriv: a connection that is signed in and hears of its transactions before anything is bought over it."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from copydesk.domain.errors import CredentialsRefused, OrderRejected, OutcomeUnknown, VenueError, VenueUnavailable
from copydesk.domain.instrument import canonical_symbol
from copydesk.domain.order import FrozenRequest, OrderRef, OrderReport
from copydesk.domain.signal import Direction
from copydesk.domain.subscription import Account, Environment, MarginMode, PositionMode
from copydesk.ports.clock import Clock
from copydesk.ports.venue import Balance, KeyPermissions, VenuePosition, VenueTrade
from copydesk.venues.deriv import codec
from copydesk.venues.deriv.codec import Booking, Contract, Deed, Offer, Purchase
from copydesk.venues.deriv.connection import Answer, Connection
from copydesk.venues.deriv.dialects import LEGACY, Identity
from copydesk.venues.deriv.doors import Doors
from copydesk.venues.deriv.market import DerivMarket
from copydesk.venues.deriv.refusals import NOT_FOR_SALE
from copydesk.venues.once import LEAVES_WITHIN_S

DOLLARS = frozenset({"USD", "USDC", "USDT", "UST", "eUSDT", "tUSDT"})

FORBIDDEN = frozenset({"payments", "admin"})
"""Scopes of a token that moves money out of an account, or makes a token that does."""

ENTRY_LOOKS, ENTRY_EVERY_S = 4, 1.0
"""A contract is not bought back before its entry tick, which comes two seconds after its purchase at most."""

HEARD_MAX = 500

Listener = Callable[[Booking | None], object]
"""Hears each booking of the account; None once the connection has ended, and some may have been missed."""


class _Line(NamedTuple):
    """A connection that is signed in."""

    connection: Connection
    identity: Identity


class DerivSession:
    """The Session of ports/venue.py."""

    def __init__(
        self, clock: Clock, doors: Doors, market: DerivMarket, account: Account, credentials: Mapping[str, str]
    ) -> None:
        self._clock = clock
        self._doors = doors
        self._market = market
        self._environment = account.environment
        self._credentials = credentials
        self._dialect = doors.dialect_of(credentials)
        self._line: _Line | None = None
        self._opening = asyncio.Lock()
        self._buying: set[tuple[str, str]] = set()
        self._bought: deque[Booking] = deque(maxlen=HEARD_MAX)
        self.listeners: set[Listener] = set()

    async def prepare(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> PositionMode:
        """Contracts have neither leverage nor margin; whether the account may be used at all is found out here."""
        del symbol, leverage, margin_mode
        await self._signed_in()
        return PositionMode.HEDGE

    def begin(self, request: FrozenRequest) -> None:
        """A contract has to be priced before it can be bought: that takes waiting."""

    async def place(self, request: FrozenRequest) -> OrderReport:
        match Deed(request.params["deed"]):
            case Deed.BUY:
                return await self._buy(request.params)
            case Deed.SELL:
                return await self._sell(request.params)
            case Deed.WAIT:
                return await self._wait(request.params)

    async def cancel(self, order: OrderRef) -> None:
        """Nothing of a contract stands that could be taken back."""

    async def look_up(self, order: OrderRef) -> OrderReport | None:
        """An opening is found among the account's contracts by its terms and its time; a close by its contract."""
        if "deed" not in order.params:
            return None
        if order.params["deed"] == Deed.BUY:
            return await self._find(order)
        contract = await self._contract(order.params["contract_id"])
        if contract is None:
            return None
        if contract.brought is not None:
            return codec.ended_report(contract, contract.brought, order.client_order_id)
        # Its sale may have been refused, or never have come: then it is not there. Who waits, waits on.
        waits = order.params["deed"] == Deed.WAIT or order.exchange_order_id is not None
        return codec.waiting_report(contract, order.client_order_id) if waits else None

    async def trades_since(self, symbol: str, since: datetime) -> Sequence[VenueTrade]:
        """None that could be ours: `look_up` has read every purchase, and what differs from the request is its owner's own."""
        del symbol, since
        return ()

    async def orders_since(self, symbol: str, since: datetime) -> Sequence[OrderReport]:
        """The venue keeps no id of ours to list them by."""
        del symbol, since
        return ()

    async def positions(self) -> Sequence[VenuePosition]:
        """Of each symbol and direction all that is staked, ours and its owner's own."""
        staked: dict[tuple[str, Direction], Decimal] = {}
        for one in await self.open_contracts():
            symbol, direction = canonical_symbol(one.symbol), codec.direction_of(one.contract_type)
            if symbol is not None and direction is not None:
                staked[symbol, direction] = staked.get((symbol, direction), Decimal(0)) + one.stake
        return [
            VenuePosition(symbol=symbol, direction=direction, quantity=stake, entry_price=Decimal(1))
            for (symbol, direction), stake in staked.items()
        ]

    async def balance(self) -> Balance:
        """A contract's stake has left the balance: all of it is available."""
        answer = await self._ask({"balance": 1})
        try:
            total = codec.number(answer["balance"]["balance"])
        except (KeyError, TypeError, ArithmeticError) as error:
            raise OutcomeUnknown("Deriv's balance cannot be read") from error
        return Balance(total_usd=total, available_usd=total)

    async def permissions(self) -> KeyPermissions:
        """Of the new API, which tells no scopes, no more than that it lets the token trade."""
        scopes = (await self._signed_in()).identity.scopes
        if scopes is None:
            return KeyPermissions(asked=False, can_trade=True)
        forbidden = tuple(one for one in scopes if one in FORBIDDEN)
        return KeyPermissions(asked=True, can_trade="trade" in scopes, forbidden=forbidden)

    async def open_contracts(self) -> Sequence[Purchase]:
        line = await self._signed_in()
        return codec.read_portfolio(await line.connection.ask({"portfolio": 1}), self._dialect)

    async def keep_alive(self) -> None:
        """A connection on which nothing is asked is ended by the venue; one that is gone is opened again."""
        line = await self._signed_in()
        if line.connection.is_quiet:
            await line.connection.ask({"ping": 1})

    def close(self) -> None:
        if self._line is not None:
            self._line.connection.close()

    async def _buy(self, params: Mapping[str, str]) -> OrderReport:
        """Until `buy` leaves, nothing has happened; then it leaves once. One at a time of a symbol and type: two could not be
        told apart afterwards.
        """
        one = params["symbol"], params["contract_type"]
        if one in self._buying:
            raise VenueUnavailable("another purchase of this kind is under way on this account")
        self._buying.add(one)
        try:
            asked_s = self._clock.elapsed()
            line, offer = await self._price(params)
            if self._clock.elapsed() - asked_s > LEAVES_WITHIN_S:
                raise VenueUnavailable("Not sent: it could not leave in time")
            return codec.read_purchase(await line.connection.ask(codec.purchase(offer, params)), params)
        finally:
            self._buying.discard(one)

    async def _price(self, params: Mapping[str, str]) -> tuple[_Line, Offer]:
        """An offer, and the one connection on which it is good."""
        try:
            line = await self._signed_in()
            symbol = await self._market.name_of(params["symbol"])
            wish = codec.proposal(self._dialect, params, symbol, line.identity.currency)
            return line, codec.read_offer(await line.connection.ask(wish))
        except OutcomeUnknown as error:
            raise VenueUnavailable(f"Not bought: {error.text}", code=error.code) from error

    async def _sell(self, params: Mapping[str, str]) -> OrderReport:
        """Whatever becomes of it: a contract is sold once, and by its own number."""
        contract = await self._to_be_sold(params["contract_id"])
        if contract.is_over or not contract.can_be_sold:
            return _as_it_is(contract, params)
        try:
            answer = await self._ask(codec.sale(contract.contract_id))
        except OrderRejected as error:
            if error.code not in NOT_FOR_SALE:
                raise
            return await self._wait(params)
        return codec.ended_report(contract, codec.read_sale(answer), params["client_order_id"], reason="sold")

    async def _to_be_sold(self, contract_id: str) -> Contract:
        """Once it has begun: until then it cannot be sold."""
        contract = await self._shown(contract_id)
        for _ in range(ENTRY_LOOKS):
            if contract.has_begun or contract.is_over:
                break
            await self._clock.sleep(ENTRY_EVERY_S)
            contract = await self._shown(contract_id)
        return contract

    async def _wait(self, params: Mapping[str, str]) -> OrderReport:
        return _as_it_is(await self._shown(params["contract_id"]), params)

    async def _shown(self, contract_id: str) -> Contract:
        """Raise VenueUnavailable: to have asked in vain has changed nothing."""
        try:
            contract = await self._contract(contract_id)
        except OutcomeUnknown as error:
            raise VenueUnavailable(error.text, code=error.code) from error
        if contract is None:
            raise VenueUnavailable(f"Deriv does not show contract {contract_id}")
        return contract

    async def _contract(self, contract_id: str) -> Contract | None:
        return codec.read_contract(await self._ask(codec.question(contract_id)))

    async def _find(self, order: OrderRef) -> OrderReport | None:
        if order.exchange_order_id is not None:
            contract = await self._contract(order.exchange_order_id)
            return None if contract is None else codec.found_report(contract, order.client_order_id)
        listed = await self._listed(order.placed_at)
        found = [
            one
            for one in listed.values()
            if one.contract_id not in order.others
            and codec.fits(one, order.params, order.placed_at)
            and self._is_of_this_desk(one)
        ]
        if len(found) > 1:
            return codec.in_doubt(found, order.client_order_id)
        if not found:
            self._refuse_untold(order, listed)
            return None
        contract = await self._contract(found[0].contract_id)
        if contract is None:
            raise OutcomeUnknown(f"Deriv lists contract {found[0].contract_id} and does not show it")
        return codec.found_report(contract, order.client_order_id)

    async def _listed(self, since: datetime) -> dict[str, Purchase]:
        """What was bought since, by the statement and, of what is open still, by the portfolio: one may lag behind the other."""
        booked = codec.read_statement(await self._ask(codec.statement(since)))
        return {one.contract_id: one for one in (*booked, *await self.open_contracts())}

    def _refuse_untold(self, order: OrderRef, listed: Mapping[str, Purchase]) -> None:
        """What the stream told and no list shows yet may be it: then "not found" is no evidence."""
        for one in self._bought:
            if (
                one.contract_id not in listed
                and one.contract_id not in order.others
                and codec.could_be(one, order.params)
            ):
                raise OutcomeUnknown(f"Deriv told of contract {one.contract_id}, and does not list it yet")

    def _is_of_this_desk(self, one: Purchase) -> bool:
        """The legacy API tells which program bought it."""
        return self._dialect is not LEGACY or one.app_id is None or str(one.app_id) == self._doors.apps.legacy

    async def _ask(self, request: codec.Request) -> Answer:
        return await (await self._signed_in()).connection.ask(request)

    async def _signed_in(self) -> _Line:
        """Nothing of an order has left, whatever goes wrong here."""
        if self._line is None or not self._line.connection.is_open:
            async with self._opening:
                if self._line is None or not self._line.connection.is_open:
                    self._line = await self._open()
        return self._line

    async def _open(self) -> _Line:
        way = await self._doors.private(self._credentials, self._hear, self._lost)
        try:
            answer = await way.connection.ask(self._dialect.introduction(self._credentials["token"]))
            identity = self._dialect.read_identity(answer)
            if identity.is_virtual is None:
                identity = replace(identity, is_virtual=way.is_virtual)
            self._refuse_unfit(identity)
            await way.connection.ask({"transaction": 1, "subscribe": 1})
        except OrderRejected as error:
            way.connection.close()
            raise CredentialsRefused(error.text, code=error.code) from error
        except (VenueError, KeyError, TypeError, ValueError, ArithmeticError) as error:
            way.connection.close()
            if isinstance(error, VenueError) and not isinstance(error, OutcomeUnknown):
                raise
            raise VenueUnavailable(f"Deriv's sign-in failed: {error}") from error
        return _Line(way.connection, identity)

    def _refuse_unfit(self, identity: Identity) -> None:
        """Raise CredentialsRefused for an account that is not what its owner said it was."""
        if identity.currency not in DOLLARS:
            raise CredentialsRefused(
                f"the account {identity.login} is kept in {identity.currency}; the desk counts in dollars"
            )
        if self._environment is Environment.DEMO and identity.is_virtual is False:
            raise CredentialsRefused(f"the account {identity.login} holds real money, and this one was entered as demo")
        if self._environment is Environment.LIVE and identity.is_virtual:
            raise CredentialsRefused(f"the account {identity.login} is a demo account: enter it with environment demo")

    def _hear(self, message: Answer) -> None:
        booking = codec.read_booking(message, self._dialect)
        if booking is None:
            return
        if booking.action == Deed.BUY:
            self._bought.append(booking)
        for listener in list(self.listeners):
            listener(booking)

    def _lost(self) -> None:
        for listener in list(self.listeners):
            listener(None)


def _as_it_is(contract: Contract, params: Mapping[str, str]) -> OrderReport:
    if contract.brought is not None:
        return codec.ended_report(contract, contract.brought, params["client_order_id"])
    return codec.waiting_report(contract, params["client_order_id"])
