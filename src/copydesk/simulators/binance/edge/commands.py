"""What a client may tell an open stream connection: to bring more names, or fewer, and in which dress."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

import msgspec

STREAMS_MAX = 1_024
_Names = Callable[[Iterable[str]], None]


class Listener(Protocol):
    combined: bool

    @property
    def names(self) -> Collection[str]: ...


def obey(text: str, listener: Listener, *, join: _Names, leave: _Names) -> dict[str, Any]:
    """Do what the frame says; answers the frame to send back."""
    try:
        command = msgspec.json.decode(text, type=_Command)
    except msgspec.ValidationError:
        return {"error": {"code": 2, "msg": "Invalid request: method and params are needed"}, "id": None}
    except msgspec.DecodeError:
        return {"error": {"code": 3, "msg": "Invalid JSON"}, "id": None}
    problem, result = _do(listener, command, join, leave)
    if problem is not None:
        return {"error": {"code": 2, "msg": f"Invalid request: {problem}"}, "id": command.id}
    return {"result": result, "id": command.id}


def _do(listener: Listener, command: "_Command", join: _Names, leave: _Names) -> tuple[str | None, Any]:
    names = [name for name in command.params if isinstance(name, str)]
    match command.method:
        case "SUBSCRIBE" if any(not name or " " in name for name in names):
            return "invalid stream", None
        case "SUBSCRIBE" if len({*listener.names, *names}) > STREAMS_MAX:
            return f"at most {STREAMS_MAX} streams a connection", None
        case "SUBSCRIBE":
            join(names)
        case "UNSUBSCRIBE":
            leave(names)
        case "LIST_SUBSCRIPTIONS":
            return None, sorted(listener.names)
        case "SET_PROPERTY" if command.params[:1] == ["combined"]:
            listener.combined = command.params[-1] is True
        case "GET_PROPERTY" if command.params[:1] == ["combined"]:
            return None, listener.combined
        case _:
            return "unknown method", None
    return None, None


class _Command(msgspec.Struct):
    method: str
    params: list[Any] = []
    id: int | str | None = None
