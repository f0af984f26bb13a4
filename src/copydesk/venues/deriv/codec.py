"""Deriv's words and ours: what a request freezes to, what is asked, and what an answer shows of a contract. Pure.

A contract is a position of its stake at a price of 1: a dollar of stake costs a dollar, and a contract ends at what it
brings for each of them. Source: the published schemas and facts of both APIs; every number is read by Decimal(str(x)).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from copydesk.domain.contracts import CONTRACT_ID, ENDS_AT, ONLY_WAIT, PAYOUT
from copydesk.domain.errors import OutcomeUnknown
from copydesk.domain.instrument import canonical_symbol, plain
from copydesk.domain.order import FrozenRequest, NewOrder, OrderReport, OrderStatus
from copydesk.domain.signal import Direction, LegKind, Right
from copydesk.venues.deriv.dialects import Dialect

Request = dict[str, Any]
Answer = Mapping[str, Any]

BOUGHT_WITHIN = timedelta(seconds=20)
"""From its frozen time until a purchase can no longer be made: 7.5 s until it leaves, 10 s in the venue, 2.5 s until lists show it."""

EARLY = timedelta(seconds=2)
"""The venue tells purchases in whole seconds, and its clock is known to half of one."""

STATEMENT_MAX = 999

_RESULT_DIGITS = Decimal("0.000000000001")

_SHORT = re.compile(r"^([A-Z]+)_(.+)_[0-9.]+_([0-9]+)F?_([0-9]+)([FT]?)_[^_]*_[^_]*$")
"""CALL_R_100_1.95_1767225600_1767225660_S0P_0: type, symbol, payout, start, end (5T: ticks), barriers."""


class Deed(StrEnum):
    """What a frozen request is for."""

    BUY = "buy"
    SELL = "sell"
    WAIT = "wait"


class Offer(Struct, frozen=True, kw_only=True):
    """What a proposal offers; its id buys it on the same connection."""

    id: str
    ask_price: Decimal
    payout: Decimal


class Purchase(Struct, frozen=True, kw_only=True):
    """One contract as a list shows it; `app_id` says by which program it was bought, where that is told."""

    contract_id: str
    symbol: str
    contract_type: str
    stake: Decimal
    bought_at: datetime
    ends_at: datetime | None
    app_id: int | None = None


class Booking(Struct, frozen=True, kw_only=True):
    """One message of the transaction stream that is about a contract."""

    action: str
    contract_id: str
    symbol: str
    amount: Decimal


class Contract(Struct, frozen=True, kw_only=True):
    """Everything that matters of one contract; `brought` is what its end paid, None while it has none."""

    contract_id: str
    stake: Decimal
    payout: Decimal
    ends_at: datetime
    status: str
    can_be_sold: bool
    has_begun: bool
    brought: Decimal | None
    figures: Mapping[str, str]

    @property
    def is_over(self) -> bool:
        return self.brought is not None


def freeze(order: NewOrder, at: datetime) -> FrozenRequest:
    """A purchase with its stake, right and duration; of a close, which contract, and whether it may be sold."""
    params = {"client_order_id": order.client_order_id, "symbol": order.symbol, "stake": plain(order.quantity)}
    if order.leg is LegKind.OPEN:
        params |= {
            "deed": Deed.BUY.value,
            "contract_type": Right.of(order.direction).value,
            "duration_s": order.inputs["duration_s"],
        }
    else:
        deed = Deed.WAIT if order.inputs.get(ONLY_WAIT) else Deed.SELL
        params |= {"deed": deed.value, "contract_id": order.inputs[CONTRACT_ID]}
    params["frozen_at"] = at.astimezone(UTC).isoformat()
    text = msgspec.json.encode(params, order="sorted")
    return FrozenRequest(
        params=params,
        conditional=False,
        frozen_at=at,
        # Whoever only waits sends nothing: what it asked about is there or not at any time.
        settle_at=at if params["deed"] == Deed.WAIT else at + BOUGHT_WITHIN,
        request_hash=hashlib.sha256(text).hexdigest(),
    )


def proposal(dialect: Dialect, params: Mapping[str, str], symbol: str, currency: str) -> Request:
    return {
        "proposal": 1,
        "amount": Decimal(params["stake"]),
        "basis": "stake",
        "contract_type": params["contract_type"],
        "currency": currency,
        "duration": int(params["duration_s"]),
        "duration_unit": "s",
        dialect.symbol: symbol,
    }


def purchase(offer: Offer, params: Mapping[str, str]) -> Request:
    """At the stake, or not at all."""
    return {"buy": offer.id, "price": Decimal(params["stake"])}


def sale(contract_id: str) -> Request:
    """At whatever the venue pays for it."""
    return {"sell": int(contract_id), "price": 0}


def question(contract_id: str) -> Request:
    return {"proposal_open_contract": 1, "contract_id": int(contract_id)}


def statement(since: datetime) -> Request:
    """Of purchases; with what they are called, which tells their terms."""
    start = int((since - EARLY).timestamp())
    return {"statement": 1, "action_type": "buy", "description": 1, "date_from": start, "limit": STATEMENT_MAX}


def read_offer(answer: Answer) -> Offer:
    try:
        told = answer["proposal"]
        return Offer(id=str(told["id"]), ask_price=number(told["ask_price"]), payout=number(told["payout"]))
    except UNREADABLE as error:
        unreadable("proposal", error)


def read_purchase(answer: Answer, params: Mapping[str, str]) -> OrderReport:
    """The answer to `buy`: there is a contract now."""
    try:
        told = answer["buy"]
        start = moment(told.get("start_time") or told["purchase_time"])
        return _bought(
            contract_id=str(told["contract_id"]),
            client_order_id=params["client_order_id"],
            stake=number(told["buy_price"]),
            payout=number(told["payout"]),
            ends_at=start + timedelta(seconds=int(params["duration_s"])),
            evidence={
                name: str(told[name]) for name in ("contract_id", "transaction_id", "buy_price", "payout", "shortcode")
            },
        )
    except UNREADABLE as error:
        unreadable("buy", error)


def read_sale(answer: Answer) -> Decimal:
    """The answer to `sell`: what it brought."""
    try:
        return number(answer["sell"]["sold_for"])
    except UNREADABLE as error:
        unreadable("sale", error)


def read_contract(answer: Answer) -> Contract | None:
    """None where the venue does not show it."""
    try:
        told = answer["proposal_open_contract"]
        if not told or "contract_id" not in told:
            return None
        is_sold = bool(int(told.get("is_sold") or 0))
        names = ("status", "buy_price", "payout", "profit", "sell_price", "entry_spot", "exit_tick", "shortcode")
        return Contract(
            contract_id=str(told["contract_id"]),
            stake=number(told["buy_price"]),
            payout=number(told["payout"]),
            ends_at=moment(told.get("date_expiry") or told["expiry_time"]),
            status=str(told["status"]),
            can_be_sold=bool(int(told.get("is_valid_to_sell") or 0)) and not int(told.get("is_expired") or 0),
            has_begun=told.get("entry_tick") is not None or told.get("entry_spot") is not None,
            brought=number(told["sell_price"]) if is_sold else None,
            figures={name: str(told[name]) for name in names if told.get(name) is not None},
        )
    except UNREADABLE as error:
        unreadable("contract", error)


def read_portfolio(answer: Answer, dialect: Dialect) -> Sequence[Purchase]:
    try:
        return [
            Purchase(
                contract_id=str(row["contract_id"]),
                symbol=str(row[dialect.symbol]),
                contract_type=str(row["contract_type"]),
                stake=number(row["buy_price"]),
                bought_at=moment(row["purchase_time"]),
                ends_at=moment(row["expiry_time"]),
                app_id=row.get("app_id"),
            )
            for row in answer["portfolio"]["contracts"]
        ]
    except UNREADABLE as error:
        unreadable("portfolio", error)


def read_statement(answer: Answer) -> Sequence[Purchase]:
    try:
        rows = answer["statement"]["transactions"]
        return [found for row in rows if (found := _read_row(row)) is not None]
    except UNREADABLE as error:
        unreadable("statement", error)


def _read_row(row: Answer) -> Purchase | None:
    """None of what is no contract that we know how to read: none of ours."""
    short = _SHORT.match(str(row.get("shortcode") or ""))
    if short is None or row.get("contract_id") is None:
        return None
    contract_type, symbol, start, end, kind = short.groups()
    return Purchase(
        contract_id=str(row["contract_id"]),
        symbol=symbol,
        contract_type=contract_type,
        stake=abs(number(row["amount"])),
        bought_at=moment(row["transaction_time"]),
        ends_at=None if kind == "T" else moment(row["transaction_time"]) + timedelta(seconds=int(end) - int(start)),
        app_id=row.get("app_id"),
    )


def read_booking(message: Answer, dialect: Dialect) -> Booking | None:
    """None of what moves money and no contract; and of what cannot be read: the lists know it too."""
    try:
        told = message["transaction"]
        return Booking(
            action=str(told["action"]),
            contract_id=str(told["contract_id"]),
            symbol=str(told[dialect.symbol]),
            amount=abs(number(told["amount"])),
        )
    except UNREADABLE:
        return None


def fits(one: Purchase, params: Mapping[str, str], placed_at: datetime) -> bool:
    """Whether a contract is what this request would have bought; there is no id of ours to know it by."""
    if one.ends_at is None:
        return False
    wanted = (params["symbol"], params["contract_type"], Decimal(params["stake"]), int(params["duration_s"]))
    lasts_s = round((one.ends_at - one.bought_at).total_seconds())
    in_time = placed_at - EARLY <= one.bought_at <= placed_at + BOUGHT_WITHIN
    return in_time and (canonical_symbol(one.symbol), one.contract_type, one.stake, lasts_s) == wanted


def could_be(one: Booking, params: Mapping[str, str]) -> bool:
    """As far as the stream tells."""
    same = canonical_symbol(one.symbol) == params["symbol"] and one.amount == Decimal(params["stake"])
    return same and one.action == Deed.BUY


def in_doubt(found: Sequence[Purchase], client_order_id: str) -> OrderReport:
    """Of an opening that more than one contract fits."""
    names = ", ".join(sorted(one.contract_id for one in found))
    return OrderReport(
        status=OrderStatus.WORKING,
        exchange_order_id="",
        client_order_id=client_order_id,
        reason=f"More than one contract fits this purchase ({names}): please say which, if any, is the desk's",
        needs_person=True,
        evidence={"contracts": names},
    )


def found_report(contract: Contract, client_order_id: str) -> OrderReport:
    """Of an opening that was asked about: it is there, whatever became of it since."""
    return _bought(
        contract_id=contract.contract_id,
        client_order_id=client_order_id,
        stake=contract.stake,
        payout=contract.payout,
        ends_at=contract.ends_at,
        evidence=contract.figures,
    )


def _bought(
    *,
    contract_id: str,
    client_order_id: str,
    stake: Decimal,
    payout: Decimal,
    ends_at: datetime,
    evidence: Mapping[str, object],
) -> OrderReport:
    return OrderReport(
        status=OrderStatus.FILLED,
        exchange_order_id=contract_id,
        client_order_id=client_order_id,
        executed_quantity=stake,
        average_price=Decimal(1),
        fee_usd=Decimal(0),
        plan={CONTRACT_ID: contract_id, PAYOUT: plain(payout), ENDS_AT: ends_at.isoformat()},
        evidence=evidence,
    )


def ended_report(
    contract: Contract, brought: Decimal, client_order_id: str, *, reason: str | None = None
) -> OrderReport:
    """Of a close: what the contract paid, and the venue's own profit; `reason` is won, lost or sold."""
    return OrderReport(
        status=OrderStatus.FILLED,
        exchange_order_id=contract.contract_id,
        client_order_id=client_order_id,
        executed_quantity=contract.stake,
        average_price=(brought / contract.stake).quantize(_RESULT_DIGITS),
        fee_usd=Decimal(0),
        gross_usd=brought - contract.stake,
        reason=reason or contract.status,
        evidence={**contract.figures, "brought": plain(brought)},
    )


def waiting_report(contract: Contract, client_order_id: str) -> OrderReport:
    """Of a close of what nobody buys back (any more): its own end is waited for."""
    return OrderReport(
        status=OrderStatus.WORKING,
        exchange_order_id=contract.contract_id,
        client_order_id=client_order_id,
        reason=f"Waits for the contract's own end at {contract.ends_at:%H:%M:%S} UTC",
        evidence=contract.figures,
    )


def direction_of(contract_type: str) -> Direction | None:
    """None of what is no rise/fall contract."""
    return Right(contract_type).direction if contract_type in set(Right) else None


def number(value: object) -> Decimal:
    """Of a number or a text, whichever the API writes."""
    return Decimal(str(value))


def moment(epoch: object) -> datetime:
    return datetime.fromtimestamp(int(str(epoch)), UTC)


UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, InvalidOperation)


def unreadable(what: str, error: Exception) -> NoReturn:
    raise OutcomeUnknown(f"Deriv's {what} cannot be read: {type(error).__name__} {error}") from error
