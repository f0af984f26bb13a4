"""One connection a process to the simulated terminal, as the real package has one pipe; and the last error."""

import http.client
import json
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from ._guard import address

SUCCESS = (1, "Success")
NO_CONNECTION = (-10004, "No IPC connection")
_SEND_FAILED = (-10001, "IPC send failed")
_RECEIVE_FAILED = (-10002, "IPC recv failed")
_TIMED_OUT = (-10005, "IPC timeout")
_NOT_FOUND = "IPC initialize failed, MetaTrader 5 x64 not found"
_INITIALIZE_FAILED = -10003

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")


class Failed(Exception):
    """A call failed with this code and text of ``last_error``."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.error = (code, text)


class Pipe:
    """Blocking and one call at a time, as the real pipe; nothing is ever sent twice."""

    def __init__(self) -> None:
        self.error: tuple[int, str] = SUCCESS
        self._lock = threading.RLock()
        self._connection: http.client.HTTPConnection | None = None
        self._session: str | None = None

    def open(self, timeout_ms: int, **arguments: Any) -> None:
        """Close the old connection, if any, and connect anew. Raises Failed."""
        with self._lock:
            self.close()
            found = urlsplit(address())
            connection = http.client.HTTPConnection(
                found.hostname or "127.0.0.1", found.port, timeout=max(timeout_ms, 1) / 1_000
            )
            try:
                connection.connect()
            except OSError:
                raise Failed(_INITIALIZE_FAILED, _NOT_FOUND) from None
            self._connection = connection
            try:
                self._session = self._exchange("initialize", arguments)
            except Failed:
                self.close()
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._session = None

    def need(self) -> None:
        """Raises Failed when there is no connection."""
        if self._session is None:
            raise Failed(*NO_CONNECTION)

    def ask(self, call: str, **arguments: Any) -> Any:
        """What the terminal answers. Raises Failed."""
        with self._lock:
            self.need()
            return self._exchange(call, arguments)

    def _exchange(self, call: str, arguments: dict[str, Any]) -> Any:
        connection = self._connection
        if connection is None:
            raise Failed(*NO_CONNECTION)
        body = json.dumps({"session": self._session, "call": call, "arguments": arguments})
        try:
            connection.request("POST", "/terminal", body, {"Content-Type": "application/json"})
        except OSError:
            self.close()
            raise Failed(*_SEND_FAILED) from None
        try:
            answer = json.loads(connection.getresponse().read())
        except TimeoutError:
            self.close()
            raise Failed(*_TIMED_OUT) from None
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            raise Failed(*_RECEIVE_FAILED) from None
        if "error" in answer:
            raise Failed(*answer["error"])
        return answer["answer"]


PIPE = Pipe()  # one global connection per process, as in the real package's binary


def connected(failure: Any) -> Callable[[Callable[_Arguments, _Answer]], Callable[_Arguments, _Answer]]:
    """Each call first resets the last error, needs the connection, and tells failure by ``failure`` alone."""
    return _guarded(failure, PIPE.need)


def standalone(failure: Any) -> Callable[[Callable[_Arguments, _Answer]], Callable[_Arguments, _Answer]]:
    """The same for calls that need no connection before."""
    return _guarded(failure, lambda: None)


def _guarded(
    failure: Any, before: Callable[[], None]
) -> Callable[[Callable[_Arguments, _Answer]], Callable[_Arguments, _Answer]]:
    def wrap(function: Callable[_Arguments, _Answer]) -> Callable[_Arguments, _Answer]:
        @wraps(function)
        def guarded(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Answer:
            PIPE.error = SUCCESS
            try:
                before()
                return function(*args, **kwargs)
            except Failed as failed:
                PIPE.error = failed.error
                return cast(_Answer, failure)

        return guarded

    return wrap
