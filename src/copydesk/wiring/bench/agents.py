"""Both sides of `broadcast`, each in a process of its own: ours, and one as everybody writes it with FastAPI."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from starlette.routing import WebSocketRoute

from copydesk.domain.frames import Command, Event
from copydesk.domain.ids import AccountId, UserId
from copydesk.ports.clock import SystemClock
from copydesk.venues.metatrader5 import Switchboard
from copydesk.web.sockets import Socket, SocketLine, socket_of

FOLLOWER = UserId("bench")
DATA: Mapping[str, Any] = {
    "bot_id": "01m7yq0m2e0007c1d3t9xk4v8a",
    "bot": "A master",
    "master_ticket": 557416535,
    "symbol": "EURUSD",
    "type": "BUY",
    "volume": "0.1",
    "fraction": "1",
    "price": "1.085",
    "sl": "1.08",
    "tp": "1.09",
    "settings": {"mode": "multiplier", "multiplier": "1"},
}


class _Book:
    """Nothing is kept: the broadcast alone is measured."""

    async def snapshot(self, owner_id: UserId, account_id: AccountId | None) -> Mapping[str, Any]:
        del owner_id, account_id
        return {"positions": []}

    async def unheard(self, owner_id: UserId, at: datetime) -> Sequence[Command]:
        del owner_id, at
        return ()


def _ours() -> FastAPI:
    app, clock = FastAPI(), SystemClock()
    switchboard = Switchboard(_Book(), clock)  # type: ignore[arg-type]  # nothing else of it is asked here

    async def serve_agent(websocket: WebSocket) -> None:
        await websocket.accept()
        line = SocketLine(socket_of(websocket.scope))
        one = await switchboard.connect(FOLLOWER, "follower", None, line)
        await switchboard.begin(one)
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass

    @app.post("/broadcast/{number}")
    async def broadcast(number: str) -> float:
        now, began_s = clock.now(), time.process_time()
        command = Command(
            id=number,
            account_id=AccountId("bench"),
            owner_id=FOLLOWER,
            event=Event.OPEN,
            data=DATA,
            created_at=now,
            expires_at=now + timedelta(seconds=30),
        )
        switchboard.tell(command, ())
        return time.process_time() - began_s

    app.router.routes.append(WebSocketRoute("/ws", serve_agent))
    return app


def _naive() -> FastAPI:
    """FastAPI's own pages show it so: a list of connections, and a loop that awaits `send_json` of each."""
    app, clock, connections = FastAPI(), SystemClock(), list[WebSocket]()

    @app.websocket("/ws")
    async def serve_agent(websocket: WebSocket) -> None:
        await websocket.accept()
        connections.append(websocket)
        await websocket.send_json({"event": "SNAPSHOT", "seq": 0, "data": {"positions": []}})
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            connections.remove(websocket)

    @app.post("/broadcast/{number}")
    async def broadcast(number: str, request: Request) -> float:
        del request
        now, began_s = clock.now(), time.process_time()
        told = {"event": "OPEN", "seq": 1, "id": number, "ts": now.isoformat()}
        told |= {"expires_at": (now + timedelta(seconds=30)).isoformat(), "data": DATA}
        for connection in connections:
            await connection.send_json(told)
        return time.process_time() - began_s

    return app


async def serve(port: int, *, naive: bool) -> None:
    """Until stopped. Neither compresses, and the naive one runs as uvicorn runs by itself."""
    app = _naive() if naive else _ours()
    own: dict[str, Any] = {} if naive else {"ws": Socket}
    config = uvicorn.Config(app, port=port, log_config=None, access_log=False, ws_per_message_deflate=False, **own)
    await uvicorn.Server(config).serve()
