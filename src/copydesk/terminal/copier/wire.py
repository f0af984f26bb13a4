"""The frames of docs/agents.md as commands and wishes of ours, and our answers as frames. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from copydesk.client.terminals import LISTED_MAX
from copydesk.domain.instrument import plain
from copydesk.terminal.codec import Look
from copydesk.terminal.copier.commands import Command, Do, Wishes
from copydesk.terminal.copier.guards import may_trade
from copydesk.terminal.copier.outcomes import Outcome, Result
from copydesk.terminal.copier.records import Gone
from copydesk.terminal.events import Contract

_STATUSES: Mapping[Result, str] = {
    Result.DONE: "filled",
    Result.PLACED: "placed",
    Result.SKIPPED: "refused",
    Result.REFUSED: "refused",
    Result.NOT_PLACED: "refused",
    Result.NOT_NOW: "refused",
    Result.UNKNOWN: "unknown",
}


class Told(Struct, frozen=True, kw_only=True):
    """A command and how this follower wants it done; `account_id` is whose account it is for."""

    seq: int
    account_id: str
    command: Command
    wishes: Wishes

    @property
    def id(self) -> str:
        return self.command.id

    @property
    def ticket(self) -> tuple[str, int]:
        return self.command.bot_id, self.command.master_ticket


class Withdrawn(Struct, frozen=True, kw_only=True):
    """The command `command_id` is taken back: it is not done, unless it is under way; an order of it that waits is removed."""

    id: str
    bot_id: str
    master_ticket: int
    command_id: str

    @property
    def ticket(self) -> tuple[str, int]:
        return self.bot_id, self.master_ticket


def read_frame(frame: Mapping[str, Any]) -> Told | Withdrawn | str:
    """What is wrong with it, in words, where it cannot be understood: then it is not done."""
    try:
        data = msgspec.convert(frame["data"], dict[str, Any])
        if frame["event"] == "CANCEL" and "command_id" in data:
            return msgspec.convert({**data, "id": frame["id"]}, Withdrawn)
        command = msgspec.convert(
            {
                **{name: data[name] for name in _FIELDS if data.get(name) is not None},
                "id": frame["id"],
                "do": Do(frame["event"]),
                "created_at": frame["ts"],
                "expires_at": frame["expires_at"],
                "contract": _contract(data.get("contract")),
            },
            Command,
        )
        settings = _known(msgspec.convert(data.get("settings") or {}, dict[str, Any]))
        # A subscription's leverage comes as a decimal string, as all its numbers do.
        wishes = msgspec.convert(settings, Wishes, strict=False)
        return Told(seq=frame["seq"], account_id=data["account_id"], command=command, wishes=wishes)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        # msgspec's own refusals are ValueErrors.
        return f"{type(error).__name__}: {error}"


def hello(login: int, server: str | None, last_seq: int | None) -> Mapping[str, Any]:
    told = {"action": "hello", "login": login, "server": server or ""}
    return told if last_seq is None else {**told, "last_seq": last_seq}


def received(ids: Iterable[str]) -> Mapping[str, Any]:
    return {"action": "received", "ids": list(ids)}


def result(command: Command, outcomes: Iterable[Outcome]) -> Mapping[str, Any]:
    """One answer for all legs. Unknown where one is: what is not certain is not told as if it were.

    NOT_NOW is answered only once it is given up: while the command is fresh, it may be tried again.
    """
    legs = list(outcomes)
    done = [one for one in legs if one.result is Result.DONE]
    told: dict[str, Any] = {
        "action": "result",
        "id": command.id,
        "status": _status(legs),
        "reason": "; ".join(dict.fromkeys(one.reason for one in legs if one.reason)) or _NOTHING_HELD,
        "plan": {name: value for one in legs for name, value in one.plan.items()},
    }
    for name, found in (("ticket", [one.position for one in legs]), ("retcode", [one.retcode for one in legs])):
        if given := [one for one in found if one]:
            told[name] = given[-1]
    volume = sum((one.volume for one in done), Decimal(0))
    if volume and command.do is not Do.MODIFY:
        paid = sum((one.volume * one.price for one in done), Decimal(0))
        told |= {"volume": plain(volume), "price": plain((paid / volume).quantize(Decimal("0.00000001")))}
    return {**told, **_money(command, done)}


def _status(legs: Sequence[Outcome]) -> str:
    statuses = {"partial" if 0 < one.volume < one.wanted else _STATUSES[one.result] for one in legs}
    if any(one.result is Result.UNKNOWN for one in legs):
        return "unknown"
    return "partial" if len(statuses) > 1 else next(iter(statuses), "refused")


def _money(command: Command, done: Sequence[Outcome]) -> Mapping[str, str]:
    """By the deals, where they could be read."""
    booked = [one.booked for one in done if one.booked is not None]
    if not booked:
        return {}
    told = {"fee": plain(sum((one.fee for one in booked), Decimal(0)))}
    if command.ends:
        told["profit"] = plain(sum((one.profit for one in booked), Decimal(0)))
    return told


def closed(gone: Gone) -> Mapping[str, Any]:
    """The same when it is told again."""
    return {
        "action": "closed",
        "id": f"gone-{gone.identifier}-{gone.master_ticket}",
        "bot_id": gone.bot_id,
        "symbol": gone.symbol,
        "master_ticket": gone.master_ticket,
        "reason": gone.booked.reason,
    }


def heartbeat(look: Look | None, *, login: int, server: str) -> Mapping[str, Any]:
    """A live socket with a dead terminal shows red."""
    told = {"action": "heartbeat", "login": login, "server": server}
    if look is None:
        return {**told, "connected": False}
    return {**told, "connected": True, "trade_mode": look.account.trade_mode, "figures": figures(look)}


def figures(look: Look) -> Mapping[str, Any]:
    """As `POST /mt5/status` tells them."""
    account = look.account
    amounts = ("balance", "equity", "margin", "margin_free", "margin_level")
    return {
        **{name: plain(getattr(account, name)) for name in amounts},
        "currency": account.currency,
        "leverage": account.leverage,
        "open_positions": len(look.positions),
        "trade_allowed": may_trade(look) is None,
        "positions": [
            {
                "ticket": one.ticket,
                "symbol": one.symbol,
                "type": "BUY" if one.is_buy else "SELL",
                "volume": plain(one.volume),
                "entry": plain(one.price),
                "sl": plain(one.sl),
                "tp": plain(one.tp),
            }
            for one in look.positions[:LISTED_MAX]
        ],
    }


_NOTHING_HELD = "nothing is held for this ticket"
_LEVELS = ("price", "sl", "tp", "stoplimit", "expiration")
_FIELDS = ("bot_id", "master_ticket", "symbol", "type", "volume", "fraction", *_LEVELS)


def _known(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """A newer hub may tell more than is understood here."""
    return {name: value for name, value in settings.items() if name in Wishes.__struct_fields__}


def _contract(told: Mapping[str, Any] | None) -> Contract | None:
    """Words of a master's terminal: whatever does not fit is as good as not told."""
    try:
        return None if told is None else msgspec.convert(told, Contract, strict=False)
    except msgspec.ValidationError:
        return None
