"""Orders as commands for the program beside a terminal, and its results as orders. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.domain.following import split_place, ticket_of_alerts
from copydesk.domain.frames import Command, Event, Result, ResultStatus, moment
from copydesk.domain.ids import AccountId, BotId, UserId
from copydesk.domain.instrument import plain
from copydesk.domain.order import FrozenRequest, NewOrder, OrderReport, OrderStatus
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.ports.agents import CANCEL_MARK, Kept

_EVENTS = {LegKind.OPEN: Event.OPEN, LegKind.CLOSE: Event.CLOSE, LegKind.MODIFY: Event.MODIFY}
_SIZES = {
    "margin_usd": "margin_usd",
    "leverage": "leverage",
    "terminal_stop_loss_pct": "stop_loss_pct",
    "terminal_take_profit_pct": "take_profit_pct",
}
"""What of a plan's inputs the agent is told with the follower's own settings, and by which name."""

CANCEL_TTL = timedelta(minutes=10)

ANSWERS_WITHIN = timedelta(minutes=5)
"""After it was received, or would have expired: what has no result by then is put before a person."""

EXPIRED = "The terminal's program did not take it before it expired"
WAITS = "Waits for the terminal's program"
HANDED_OVER = "The terminal's program has it"
UNANSWERED = "The terminal's program took it and does not tell what became of it: please look at the terminal"


def freeze(order: NewOrder, at: datetime) -> FrozenRequest:
    """The whole command as text. The book is our own database: what is not there by now never was sent."""
    inputs = order.inputs
    event = Event.CANCEL if "taken_back" in inputs else _EVENTS[order.leg]
    params = {
        "id": order.client_order_id,
        "event": event.value,
        "place": order.symbol,
        "direction": order.direction.value,
        "lots": plain(order.quantity),
        "expires_at": moment(order.expires_at or at),
        **{name: inputs[name] for name in _TOLD if name in inputs},
    }
    digest = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    return FrozenRequest(params=params, conditional=False, frozen_at=at, settle_at=at, request_hash=digest)


_LEVELS = ("master_volume", "master_price", "stop_loss", "take_profit")
_ORDER = ("order_kind", "stop_limit", "order_expires_at")
_TOLD = ("bot_id", "bot", "fraction", "contract", *_LEVELS, *_ORDER, *_SIZES)

_ENDS = frozenset({Event.CLOSE, Event.CANCEL})
"""What is asked of the agent with these makes what is held less, or nothing."""


def command_of(params: Mapping[str, str], account_id: AccountId, owner_id: UserId, at: datetime) -> Command:
    """What the agent is told: `fraction` is of what it opened for the ticket; a volume is the master's, in lots."""
    symbol, number = split_place(params["place"])
    bot_id = BotId(params["bot_id"])
    data: dict[str, Any] = {
        "account_id": account_id,
        "bot_id": bot_id,
        "bot": params["bot"],
        "master_ticket": number if number is not None else ticket_of_alerts(bot_id, symbol),
        "symbol": symbol,
        "type": params.get("order_kind") or Side.opening(Direction(params["direction"])).value,
        "volume": params.get("master_volume"),
        "fraction": params["fraction"],
        "price": params.get("master_price"),
        "sl": params.get("stop_loss"),
        "tp": params.get("take_profit"),
        "stoplimit": params.get("stop_limit"),
        "expiration": params.get("order_expires_at"),
        "lots": params["lots"],
        "contract": json.loads(params["contract"]) if "contract" in params else None,
        "settings": {told: params[name] for name, told in _SIZES.items() if name in params},
    }
    return Command(
        id=params["id"],
        account_id=account_id,
        owner_id=owner_id,
        event=Event(params["event"]),
        data=data,
        created_at=at,
        expires_at=datetime.fromisoformat(params["expires_at"]),
    )


def report_of(kept: Kept, now: datetime) -> OrderReport:
    """An order as the book shows it."""
    result, command = kept.result, kept.command
    if result is not None and result.status is not ResultStatus.UNKNOWN:
        return report_of_result(command, result)  # PLACED too: a broker's order waits as long as it likes
    if kept.ended_at is not None and result is None:
        return withdrawn(command) if kept.ended_at < command.expires_at else expired(command)
    if kept.received_at is None:
        return _report(command, OrderStatus.WORKING, reason=WAITS)
    silent = now - max(kept.received_at, command.expires_at) > ANSWERS_WITHIN
    return _report(command, OrderStatus.WORKING, reason=UNANSWERED if silent else HANDED_OVER, needs_person=silent)


def withdrawn(command: Command) -> OrderReport:
    return _report(command, OrderStatus.CANCELLED, reason="Taken back before the terminal's program had it")


def cancel_of(command: Command, at: datetime) -> Command:
    """For whoever has the command already, or is about to get it."""
    told = {name: command.data[name] for name in ("account_id", "bot_id", "bot", "master_ticket", "symbol")}
    return Command(
        id=command.id + CANCEL_MARK,
        account_id=command.account_id,
        owner_id=command.owner_id,
        event=Event.CANCEL,
        data={**told, "command_id": command.id},
        created_at=at,
        expires_at=at + CANCEL_TTL,
    )


def expired(command: Command) -> OrderReport:
    """What nobody took in time was never done. That is the end of an opening; a close is put before a person."""
    if command.event in _ENDS:
        reason = f"{EXPIRED}: please look at this position"
        return _report(command, OrderStatus.WORKING, reason=reason, needs_person=True)
    return _report(command, OrderStatus.CANCELLED, reason=EXPIRED)


_STATUSES = {
    ResultStatus.FILLED: OrderStatus.FILLED,
    ResultStatus.PARTIAL: OrderStatus.CANCELLED,
    ResultStatus.REFUSED: OrderStatus.REJECTED,
    ResultStatus.PLACED: OrderStatus.WORKING,
}


def report_of_result(command: Command, result: Result) -> OrderReport:
    executes = result.status in {ResultStatus.FILLED, ResultStatus.PARTIAL}
    return OrderReport(
        status=_STATUSES[result.status],
        exchange_order_id=str(result.ticket) if result.ticket else command.id,
        client_order_id=command.id,
        executed_quantity=_executed(command, result),
        average_price=result.price if executes else None,
        fee_usd=result.fee,
        gross_usd=_brought(command, result),
        reason=result.reason,
        plan={name: str(value) for name, value in result.plan.items()},
        evidence={
            name: value
            for name, value in (("ticket", result.ticket), ("retcode", result.retcode), ("reason", result.reason))
            if value is not None
        },
    )


def _brought(command: Command, result: Result) -> Decimal | None:
    """In the account's currency; where nothing was left to close, nothing. Else, where it is not told, prices tell."""
    if command.event not in _ENDS:
        return None
    return result.profit if result.profit is not None or result.volume > 0 else Decimal(0)


def _executed(command: Command, result: Result) -> Decimal:
    """In lots. Once everything was closed, nothing is left, however much of it a person had closed before."""
    if command.event is Event.MODIFY or result.status in {ResultStatus.REFUSED, ResultStatus.PLACED}:
        return Decimal(0)
    closed_all = command.event in _ENDS and Decimal(str(command.data["fraction"])) == 1
    if closed_all and result.status is ResultStatus.FILLED:
        return max(result.volume, Decimal(str(command.data["lots"])))
    return result.volume


def _report(command: Command, status: OrderStatus, *, reason: str, needs_person: bool = False) -> OrderReport:
    return OrderReport(
        status=status,
        exchange_order_id=command.id,
        client_order_id=command.id,
        reason=reason,
        needs_person=needs_person,
    )
