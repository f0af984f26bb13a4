"""The floor: one order on each of many accounts over bare signed sockets."""

import hmac
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from copydesk.domain.errors import CopydeskError
from copydesk.ports.clock import SystemClock
from copydesk.wiring.bench.seed import SYMBOL, Key

QUANTITY = "0.002"
SOCKETS = 64
TIMEOUT_S = 60.0


class SignedSockets:
    """The floor: signing in the loop, bytes by hand, open sockets, nothing stored and nothing understood."""

    def __init__(self, url: str, keys: Sequence[Key]) -> None:
        self.keys = [(key, secret.encode()) for key, secret in keys]
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._sockets: list[socket.socket] = []
        self._clock = SystemClock()

    async def open(self) -> None:
        """Nothing is known before."""

    async def warm_up(self) -> None:
        self._sockets = [socket.create_connection(self._address) for _ in range(min(SOCKETS, len(self.keys)))]
        for one in self._sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def prepare(self) -> None:
        """Nothing that is not measured."""

    async def fire(self) -> None:
        for start in range(0, len(self.keys), len(self._sockets)):
            batch = list(zip(self._sockets, self.keys[start : start + len(self._sockets)], strict=False))
            for one, (key, secret) in batch:
                one.sendall(self._request(key, secret))
            for one, _ in batch:
                _read_answer(one)

    async def close(self) -> None:
        for one in self._sockets:
            one.close()

    def _request(self, key: str, secret: bytes) -> bytes:
        now = int(self._clock.now().timestamp() * 1000)
        body = f"symbol={SYMBOL}&side=BUY&type=MARKET&quantity={QUANTITY}&newOrderRespType=RESULT&timestamp={now}"
        signature = hmac.digest(secret, body.encode(), "sha256").hex()
        signed = f"{body}&signature={signature}"
        head = (
            f"POST /fapi/v1/order HTTP/1.1\r\nHost: bench\r\nX-MBX-APIKEY: {key}\r\nContent-Length: {len(signed)}\r\n"
        )
        return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n{signed}".encode()


def _read_answer(one: socket.socket) -> None:
    """One HTTP answer with a Content-Length; raise where it is not a success."""
    head, _, rest = _receive(one).partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += one.recv(65536)
    if not head.startswith(b"HTTP/1.1 200"):
        raise CopydeskError(f"the floor's order was refused: {rest[:200]!r}")


def _receive(one: socket.socket) -> bytes:
    told = b""
    while b"\r\n\r\n" not in told:
        part = one.recv(65536)
        if not part:
            raise CopydeskError("the exchange hung up on the floor")
        told += part
    return told
