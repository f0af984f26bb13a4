"""A simulated Deriv for tests of whoever trades there, and the requests that a desk would freeze for it."""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx

from copydesk.domain.ids import new_id
from copydesk.domain.order import NewOrder, OrderRef
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.domain.subscription import PositionMode
from copydesk.domain.venue import DERIV
from copydesk.ports.clock import SystemClock
from copydesk.simulators.deriv import serve
from store_support import make_account

SYMBOL = "1HZ100V"
SCOPES = ("read", "trade", "trading_information")


@dataclass
class Deriv:
    """Its doors."""

    http: httpx.AsyncClient
    url: str

    async def tell(self, door, **body):
        answer = await self.http.post(f"/_sim/{door}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def open_account(self, token=None, balance="1000", scopes=SCOPES, **more):
        """Its token and its login."""
        token = token or secrets.token_hex(16)
        made = await self.tell("accounts", token=token, balance=balance, scopes=list(scopes), **more)
        return token, made["loginids"][0]

    async def hold(self, price, symbol=SYMBOL):
        await self.tell("price", symbol=symbol, price=str(price), hold=True)

    async def contracts(self, token=None):
        ledger = (await self.http.get("/_sim/ledger")).json()
        return [one for one in ledger["contracts"] if token in {None, one["account"]}]

    async def no_faults(self):
        (await self.http.delete("/_sim/faults")).raise_for_status()


@contextlib.asynccontextmanager
async def running_deriv(**options):
    ready = asyncio.get_running_loop().create_future()
    task = asyncio.get_running_loop().create_task(serve(port=0, on_ready=ready.set_result, **options))
    try:
        port = await asyncio.wait_for(ready, 20)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            yield Deriv(http, f"http://127.0.0.1:{port}")
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@dataclass
class SimulatedTime(SystemClock):
    """The time of a simulator whose clock stands still; waiting costs little and moves nothing but it."""

    simulator: Deriv
    now_ms: int = 1_767_225_600_000
    slept_s: list[float] = field(default_factory=list)

    def now(self):
        return datetime.fromtimestamp(self.now_ms / 1_000, UTC)

    async def sleep(self, seconds):
        self.slept_s.append(seconds)
        await self.pass_time(seconds)

    async def pass_time(self, seconds):
        self.now_ms += int(seconds * 1_000)
        await self.simulator.tell("time", to_ms=self.now_ms)


SHORT_S = 5.0
"""What a desk does every few seconds it does all the time here; longer waits wait for the simulator's time."""


@dataclass
class DeskTime(SimulatedTime):
    """The same for a whole desk: its loops run while time stands."""

    moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    def elapsed(self):
        return self.now_ms / 1_000

    async def sleep(self, seconds):
        until_ms = self.now_ms + seconds * 1_000
        if seconds > SHORT_S:
            async with self.moved:
                await self.moved.wait_for(lambda: self.now_ms >= until_ms)
        else:
            await asyncio.sleep(0.02)

    async def pass_time(self, seconds):
        """A second after another, with a little for the desk between them."""
        for _ in range(int(seconds)):
            await super().pass_time(1)
            async with self.moved:
                self.moved.notify_all()
            await asyncio.sleep(0.06)


class Trader:
    """One account logged in, and what a desk asks of it."""

    def __init__(self, venue, clock, token, session):
        self.venue = venue
        self.clock = clock
        self.token = token
        self.session = session

    def frozen(self, leg=LegKind.OPEN, direction=Direction.LONG, *, stake="1", symbol=SYMBOL, **inputs):
        usual = {"duration_s": "60", "right": "CALL"} if leg is LegKind.OPEN else {}
        order = NewOrder(
            client_order_id=f"cd-{new_id(self.clock.now())}",
            symbol=symbol,
            leg=leg,
            side=Side.opening(direction) if leg is LegKind.OPEN else Side.closing(direction),
            direction=direction,
            quantity=Decimal(stake),
            reduce_only=leg is not LegKind.OPEN,
            inputs=usual | inputs,
        )
        return self.venue.freeze(order, mode=PositionMode.HEDGE, at=self.clock.now())

    def ref(self, request, **more):
        return OrderRef(
            symbol=request.params["symbol"],
            client_order_id=request.params["client_order_id"],
            conditional=False,
            placed_at=request.frozen_at,
            params=request.params,
            **more,
        )

    async def buy(self, **terms):
        return await self.session.place(self.frozen(**terms))

    async def close(self, contract_id, **inputs):
        return await self.session.place(self.frozen(LegKind.CLOSE, contract_id=contract_id, **inputs))


async def trader_at(simulator, venue, clock, *, login=False, **account):
    token, loginid = await simulator.open_account(**account)
    credentials = {"token": token} | ({"login": loginid} if login else {})
    session = venue.open_session(make_account(venue=DERIV), credentials)
    return Trader(venue, clock, token, session)


SECOND = timedelta(seconds=1)
