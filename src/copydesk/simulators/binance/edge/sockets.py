"""Both surfaces' connections as one: the first that knows the path serves it, news and cuts reach both."""

from aiohttp import web

from copydesk.simulators.binance.edge.spot_streams import SpotStreams
from copydesk.simulators.binance.edge.streams import Streams


class Sockets:
    def __init__(self, *surfaces: SpotStreams | Streams) -> None:
        self._surfaces = surfaces

    async def open(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse | None:
        """Serve one connection to its end; None when the path is no stream."""
        for surface in self._surfaces:
            response = await surface.open(request, path, query)
            if response is not None:
                return response
        return None

    def flush(self) -> None:
        for surface in self._surfaces:
            surface.flush()

    def publish(self, steps: int, now_ms: int) -> None:
        for surface in self._surfaces:
            surface.publish(steps, now_ms)

    def cut(self, api_key: str | None) -> None:
        for surface in self._surfaces:
            surface.cut(api_key)
