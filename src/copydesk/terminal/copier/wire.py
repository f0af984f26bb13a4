"""The frames of docs/agents.md as commands and wishes of ours, and our answers as frames. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from copydesk.domain.instrument import plain
from copydesk.terminal.codec import Look
from copydesk.terminal.copier.commands import Command, Do, Wishes
from copydesk.terminal.copier.hands import Outcome, Result
from copydesk.terminal.events import Contract

_STATUSES: Mapping[Result, str] = {
    Result.DONE: "filled",
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


def read_frame(frame: Mapping[str, Any]) -> Told | str:
    """What is wrong with it, in words, where it cannot be understood: then it is not done."""
    try:
        data = msgspec.convert(frame["data"], dict[str, Any])
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
        wishes = msgspec.convert(_known(msgspec.convert(data.get("settings") or {}, dict[str, Any])), Wishes)
        return Told(seq=frame["seq"], account_id=data["account_id"], command=command, wishes=wishes)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        # msgspec's own refusals are ValueErrors.
        return f"{type(error).__name__}: {error}"


def hello(look: Look, last_seq: int | None) -> Mapping[str, Any]:
    told = {"action": "hello", "login": look.account.login, "server": look.account.server}
    return told if last_seq is None else {**told, "last_seq": last_seq}


def received(ids: Iterable[str]) -> Mapping[str, Any]:
    return {"action": "received", "ids": list(ids)}


def result(command: Command, outcomes: Iterable[Outcome]) -> Mapping[str, Any]:
    """One answer for all legs. Unknown where one is: what is not certain is not told as if it were.

    NOT_NOW is answered only once it is given up: while the command is fresh, it may be tried again.
    """
    legs = list(outcomes)
    statuses = {_STATUSES[one.result] for one in legs}
    volume = sum((one.volume for one in legs if one.result is Result.DONE), Decimal(0))
    status = "unknown" if "unknown" in statuses else "partial" if len(statuses) > 1 else next(iter(statuses), "refused")
    reason = "; ".join(one.reason for one in legs if one.reason) or (
        "nothing is held for this ticket" if not legs else ""
    )
    told: dict[str, Any] = {"action": "result", "id": command.id, "status": status, "reason": reason}
    if volume:
        paid = sum((one.volume * one.price for one in legs if one.result is Result.DONE), Decimal(0))
        told |= {"volume": plain(volume), "price": plain((paid / volume).quantize(Decimal("0.00000001")))}
    return told


def heartbeat(look: Look | None, *, figures: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """A live socket with a dead terminal shows red."""
    if look is None:
        return {"action": "heartbeat", "connected": False}
    account = look.account
    told = {"action": "heartbeat", "connected": True, "login": account.login, "server": account.server}
    return told if figures is None else {**told, "figures": figures}


_FIELDS = ("bot_id", "master_ticket", "symbol", "type", "volume", "price", "sl", "tp", "fraction")


def _known(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """A newer hub may tell more than is understood here."""
    return {name: value for name, value in settings.items() if name in Wishes.__struct_fields__}


def _contract(told: Mapping[str, Any] | None) -> Contract | None:
    """Words of a master's terminal: whatever does not fit is as good as not told."""
    try:
        return None if told is None else msgspec.convert(told, Contract, strict=False)
    except msgspec.ValidationError:
        return None
