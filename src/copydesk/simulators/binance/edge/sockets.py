"""The streams of both surfaces as one: the first that knows the path serves it, news and cuts reach both."""

from collections.abc import Sequence

from aiohttp import web

from copydesk.simulators.binance.edge.connections import Connections
from copydesk.simulators.binance.edge.spot_streams import SpotStreams
from copydesk.simulators.binance.edge.streams import Streams


class Sockets:
    def __init__(self, *, futures: Streams, spot: SpotStreams, surfaces: Sequence[Connections]) -> None:
        self._futures = futures
        self._spot = spot
        self._surfaces = surfaces

    async def open(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse | None:
        """Serve one connection to its end; None when nobody knows the path. Raises RefusedError before the handshake."""
        return await self._spot.open(request, path, query) or await self._futures.open(request, path, query)

    def flush(self) -> None:
        self._futures.flush()
        self._spot.flush()

    def publish(self, steps: int, now_ms: int) -> None:
        """``steps`` the market made since the last time, often none: futures' streams keep times of their own."""
        for connections in self._surfaces:
            connections.look_after(now_ms)
        self._futures.publish(now_ms)
        self._spot.publish(steps, now_ms)

    def cut(self, api_key: str | None) -> None:
        self._futures.cut(api_key)
        self._spot.cut(api_key)

    def cut_all(self) -> None:
        for connections in self._surfaces:
            connections.cut_all()
