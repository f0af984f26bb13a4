"""The child that owns the MetaTrader5 package: it holds Python's lock through every call, so it has a process to itself.

Asked on standard input, answers on standard output, one call at a time; ends when its input does.
"""

import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, BinaryIO

import msgspec

from copydesk.terminal import codec
from copydesk.terminal.frames import (
    ACCOUNT_CHANGED,
    GREETING,
    LENGTH,
    NOT_ASKED,
    PACKAGE_MISSING,
    REQUEST_REFUSED,
    Answered,
    Call,
    Failed,
    frame_length,
    pack,
)

PACKAGE = "MetaTrader5"

_INPUT, _OUTPUT, _ERRORS = 0, 1, 2

MISSING = (
    "the MetaTrader5 package cannot be used here ({}). On Windows, beside the terminal: python -m pip install MetaTrader5. "
    "Elsewhere there is only the simulator: PYTHONPATH=$(copydesk simulate metatrader5 --print-path)"
)


def main() -> None:
    """Until the parent closes its end, or is gone."""
    asked, answers = _own_pipes()
    try:
        package = import_module(PACKAGE)
    except ImportError as error:
        _say(answers, Answered(GREETING, failure=Failed(PACKAGE_MISSING, MISSING.format(error))))
        return
    _say(answers, _valued(GREETING, str(getattr(package, "__version__", ""))))
    calls = msgspec.msgpack.Decoder(Call)
    while (body := _read(asked)) is not None:
        _say(answers, _answer(package, calls.decode(body)))
    package.shutdown()


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Whatever else writes to standard output goes to standard error: it would be taken for a frame.

    By number: a program without a console (PyInstaller) has pipes, and no `sys.stdin`.
    """
    asked, answers = os.dup(_INPUT), os.dup(_OUTPUT)
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  it is there on Windows only

        for number in (asked, answers):
            msvcrt.setmode(number, os.O_BINARY)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, _INPUT)
    try:
        os.dup2(_ERRORS, _OUTPUT)
    except OSError:
        os.dup2(nowhere, _OUTPUT)
    return os.fdopen(asked, "rb"), os.fdopen(answers, "wb", buffering=0)


def _read(asked: BinaryIO) -> bytes | None:
    head = asked.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length = frame_length(head)
    body = asked.read(length)
    return body if len(body) == length else None


def _say(answers: BinaryIO, message: Answered) -> None:
    frame = memoryview(pack(message))
    while frame:
        frame = frame[answers.write(frame) :]


def _valued(number: int, value: Any) -> Answered:
    return Answered(number, msgspec.Raw(msgspec.msgpack.encode(value)))


def _answer(package: Any, call: Call) -> Answered:
    """None and False are failures, told with the package's last error; `()` is nothing, and no failure."""
    try:
        value = _CALLS[call.name](package, *call.arguments)
    except _NoAnswerError as error:
        return Answered(call.number, failure=error.failure)
    except TypeError as error:
        return Answered(call.number, failure=Failed(REQUEST_REFUSED, f"{call.name}: {error}"))
    return _valued(call.number, value)


class _NoAnswerError(Exception):
    def __init__(self, failure: Failed) -> None:
        self.failure = failure


def _told(package: Any, value: Any) -> Any:
    if value is None or value is False:
        code, text = package.last_error()
        raise _NoAnswerError(Failed(int(code), str(text)))
    return value


def _initialize(package: Any, path: str | None, timeout_ms: int, sign_in: Mapping[str, Any]) -> bool:
    arguments = () if path is None else (path,)
    return bool(_told(package, package.initialize(*arguments, timeout=timeout_ms, **sign_in)))


def _look(package: Any) -> codec.Look:
    """Whoever switches accounts in between must not lend one account's positions to the other."""
    before = codec.read_account(_told(package, package.account_info()))
    look = codec.Look(
        account=before,
        terminal=codec.read_terminal(_told(package, package.terminal_info())),
        positions=codec.read_positions(_told(package, package.positions_get())),
        orders=codec.read_orders(_told(package, package.orders_get())),
    )
    after = codec.read_account(_told(package, package.account_info()))
    if (before.login, before.server) != (after.login, after.server):
        changed = f"the terminal changed from login {before.login} to {after.login} while it was read"
        raise _NoAnswerError(Failed(ACCOUNT_CHANGED, changed))
    return look


def _send(package: Any, request: Mapping[str, Any], login: int) -> codec.Sent:
    """Nothing lies between this look at the account and the order: whoever switches accounts must not have it traded."""
    account = package.account_info()
    if account is None:
        raise _NoAnswerError(
            Failed(NOT_ASKED, f"the account cannot be read, nothing was sent: {package.last_error()[1]}")
        )
    found = int(account.login)
    if found != login:
        changed = f"the terminal is logged in to {found}, and the order is for {login}: nothing was sent"
        raise _NoAnswerError(Failed(ACCOUNT_CHANGED, changed))
    return codec.read_sent(_told(package, package.order_send(request)))


def _reads(name: str, read: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of the package with positional arguments."""
    return lambda package, *arguments: read(_told(package, getattr(package, name)(*arguments)))


def _reads_named(name: str, argument: str, read: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of the package that is asked with one keyword."""
    return lambda package, value: read(_told(package, getattr(package, name)(**{argument: value})))


_CALLS: Mapping[str, Callable[..., Any]] = {
    "initialize": _initialize,
    "look": _look,
    "account": _reads("account_info", codec.read_account),
    "terminal": _reads("terminal_info", codec.read_terminal),
    "positions": _reads("positions_get", codec.read_positions),
    "orders": _reads("orders_get", codec.read_orders),
    "deals": _reads("history_deals_get", codec.read_deals),
    "deals_of_position": _reads_named("history_deals_get", "position", codec.read_deals),
    "past_orders": _reads("history_orders_get", codec.read_orders),
    "past_order": _reads_named("history_orders_get", "ticket", codec.read_orders),
    "symbol_names": lambda package: [one.name for one in _told(package, package.symbols_get())],
    "symbol": _reads("symbol_info", codec.read_symbol),
    "tick": _reads("symbol_info_tick", codec.read_tick),
    "select": _reads("symbol_select", bool),
    "send": _send,
    "check": _reads("order_check", codec.read_checked),
}
