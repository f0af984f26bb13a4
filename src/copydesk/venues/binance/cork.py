"""What leaves in one turn of the loop shares packets: a packet costs the system more than what is in it."""

import asyncio
import socket
from contextlib import suppress
from functools import partial

_OPTION: int | None = getattr(socket, "TCP_CORK", None)
"""Linux holds what is written until the option is taken back, for 200 ms at most and whatever becomes of the program (tcp(7)).
Where there is none, everything leaves by itself.
"""


class Cork:
    """One connection's. What is written is with the system at once, as ever; only its packets wait for the turn's end."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._wire: socket.socket = transport.get_extra_info("socket")
        self._is_in = False

    def put_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until this turn of the loop is over."""
        if _OPTION is not None and not self._is_in:
            self._set(_OPTION, is_in=True)
            loop.call_soon(partial(self._set, _OPTION, is_in=False))

    def _set(self, option: int, *, is_in: bool) -> None:
        self._is_in = is_in
        with suppress(OSError):  # the connection has ended, and whoever waits on it is told so
            self._wire.setsockopt(socket.IPPROTO_TCP, option, int(is_in))
