"""The demo's bots that copydesk runs itself: RSI on paper, and a streak that buys contracts on a simulated Deriv."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from copydesk.client.api import ApiClient, signed_in
from copydesk.client.models import BotAnswer, NewAccount, NewBot, NewSubscription
from copydesk.client.strategies import RunBot
from copydesk.domain.subscription import Environment
from copydesk.domain.venue import DERIV
from copydesk.ports.clock import SystemClock
from copydesk.wiring.children import Child, child, wait_until_ready

BALANCE = "2000"
SCOPES = ("read", "trade", "trading_information")
STREAK = {"delay_threshold": 3, "max_level": 6}
"""Sooner than by default, and not so far: so that somebody who watches sees it act."""


@asynccontextmanager
async def deriv_simulator(port: int, logs: Path) -> AsyncIterator[tuple[Child, str]]:
    """Until the block ends."""
    url = f"http://127.0.0.1:{port}"
    async with child("deriv-simulator", ["simulate", "deriv", "--port", str(port)], {}, logs) as simulator:
        await wait_until_ready(simulator, f"{url}/_sim/health", SystemClock())
        yield simulator, url


async def seed_strategies(api: str, deriv: str, users: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """Stopped, until somebody starts them. The first follower copies both kinds of bot."""
    async with signed_in(api, **users["provider"]) as providing:
        rsi = await providing.create_bot(_rsi())
    async with signed_in(api, **users["admin"]) as desk:
        book = await desk.create_account(await _contracts(deriv, "Streak's own book"))
        streak = await desk.create_bot(_streak(book.id))
    if users["followers"]:
        async with signed_in(api, **users["followers"][0]) as mine:
            account = await mine.create_account(await _contracts(deriv, "Options"))
            wish = NewSubscription(bot_id=streak.id, exchange_account_id=account.id, custom_margin_usd=Decimal(2))
            await mine.subscribe(wish)
    return [_line(rsi), _line(streak)]


async def start_strategies(desk: ApiClient, bots: Sequence[Mapping[str, str]]) -> None:
    for bot in bots:
        await desk.run_bot(bot["id"], RunBot(command="start"))


async def _contracts(deriv: str, name: str) -> NewAccount:
    """A new account at the simulator, as it is told to the desk."""
    token = secrets.token_hex(16)
    async with httpx.AsyncClient(base_url=deriv, timeout=20) as simulator:
        wanted = {"token": token, "balance": BALANCE, "scopes": list(SCOPES)}
        (await simulator.post("/_sim/accounts", json=wanted)).raise_for_status()
    return NewAccount(name=name, venue=DERIV, environment=Environment.SIMULATOR, token=token)


def _line(bot: BotAnswer) -> Mapping[str, str]:
    return {"id": bot.id, "name": bot.name}


def _rsi() -> NewBot:
    return NewBot(
        name="RSI Demo",
        description="RSI 14 on the 1-minute candles of four coins; made by the demo.",
        source="strategy",
        strategy="rsi",
        default_leverage=5,
        default_margin_usd=Decimal(200),
    )


def _streak(account_id: str) -> NewBot:
    return NewBot(
        name="Streak Demo",
        description="Bets against three candles of one colour on Volatility 100, with a Martingale ladder; made by the demo.",
        source="strategy",
        strategy="streak",
        settings=STREAK,
        exchange_account_id=account_id,
        default_margin_usd=Decimal(1),
    )
