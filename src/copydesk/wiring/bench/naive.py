"""The peer of `ingest`: a webhook as one writes it in an afternoon, with FastAPI and SQLite, a commit an alert, FULL."""

import hmac
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from copydesk.ports.clock import SystemClock


class Alert(BaseModel):
    """What TradingView is told to send."""

    id: str
    secret: str
    ticker: str
    action: str
    price: str


def build(database: Path, secret: str) -> FastAPI:
    """Repeats are recognised by the alert's own id, and an accepted one is on the disk before it is answered."""
    app, clock = FastAPI(), SystemClock()
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE signals (id TEXT PRIMARY KEY, key TEXT UNIQUE, ticker, action, price, received_at)"
    )

    @app.post("/webhook/{path}")
    async def receive(path: str, alert: Alert) -> dict[str, str]:
        if not hmac.compare_digest(alert.secret, secret):
            raise HTTPException(401)
        signal_id, now = secrets.token_hex(13), clock.now().isoformat()
        row = (signal_id, f"{path}/{alert.id}", alert.ticker, alert.action, alert.price, now)
        with closing(connection.execute("INSERT INTO signals VALUES (?, ?, ?, ?, ?, ?)", row)):
            return {"status": "accepted", "signal_id": signal_id, "timestamp": now}

    return app


async def serve(port: int, database: Path, secret: str) -> None:
    """Until stopped."""
    config = uvicorn.Config(build(database, secret), port=port, log_config=None, access_log=False)
    await uvicorn.Server(config).serve()
