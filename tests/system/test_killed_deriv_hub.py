"""Real hubs that buy contracts and die: no contract is bought twice, none is forgotten, and every end is booked as the venue says."""

import asyncio
import os
import re
import secrets
import sqlite3
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from copydesk.client.api import signed_in
from copydesk.client.models import NewAccount, NewBot, NewSubscription
from copydesk.ports.clock import SystemClock
from copydesk.settings import PREFIX
from copydesk.wiring.children import child, free_port, wait_until_ready
from deriv_support import SCOPES, SYMBOL
from system_support import FINAL, PASSWORD

pytestmark = [pytest.mark.xdist_group("heavy"), pytest.mark.timeout(400)]

CLOCK = SystemClock()
TESTS = Path(__file__).parent.parent
DURATION_S = 15

IN_THE_PROCESS = (
    "intent_before_commit",
    "intent_after_commit",
    "result_before_commit",
    "result_after_commit",
)
ON_THE_WIRE = ("proposal delay_before", "buy delay_before", "buy delay_after")
EXECUTED = ("result_before_commit", "result_after_commit", "buy delay_after")


@dataclass
class Desk:
    """A simulated venue that lives on, and hubs on one data folder, one after the other."""

    folder: Path
    deriv: httpx.AsyncClient
    port: int = field(default_factory=lambda: free_port(0))
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    bot: object = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return self.folder / "hub.log"

    @asynccontextmanager
    async def hub(self, point="none"):
        """It kills itself at the point; who leaves here kills it otherwise."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        settings = {
            "COPYDESK_DATA_DIR": str(self.folder / "data"),
            "COPYDESK_MASTER_KEY_FILE": str(self.folder / "keys" / "master.key"),
            "COPYDESK_SIMULATOR__DERIV_URL": str(self.deriv.base_url),
            "COPYDESK_VENUE_TIMEOUT_S": "5",
            "PYTHONPATH": str(TESTS),
        }
        verb = ("serve", "--no-dashboard", "--port", str(self.port))
        with self.log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "kill_matrix.hub", "--point", point, "--", *verb),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ours | settings,
                cwd=self.folder,
            )
        try:
            await self._until_ready(process)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _until_ready(self, process):
        async with asyncio.timeout(90), httpx.AsyncClient(base_url=self.url, timeout=5) as http:
            while process.returncode is None:
                try:
                    if (await http.get("/ready")).is_success:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError(self.log.read_text()[-2_000:])

    async def tell(self, door, **body):
        (await self.deriv.post(f"/_sim/{door}", json=body)).raise_for_status()

    async def seed(self):
        """A bot of short contracts, and one follower."""
        link = re.search(r"/setup/[\w-]+", self.log.read_text()).group()
        async with httpx.AsyncClient(base_url=self.url) as http:
            made = await http.post(link, json={"username": "admin", "password": PASSWORD, "role": "admin"})
            made.raise_for_status()
        await self.tell("accounts", token=self.token, balance="1000", scopes=list(SCOPES))
        async with signed_in(self.url, "admin", PASSWORD) as admin:
            bot = NewBot(name="Options", market_type="options", contract_duration_s=DURATION_S)
            self.bot = await admin.create_bot(bot)
            wish = NewAccount(name="A", venue="deriv", environment="simulator", token=self.token)
            account = await admin.create_account(wish)
            await admin.subscribe(NewSubscription(bot_id=self.bot.id, exchange_account_id=account.id))

    async def alert(self, action):
        """The answer may die with the hub."""
        async with signed_in(self.url, "admin", PASSWORD) as admin:
            message = {"secret": self.bot.master_secret, "ticker": SYMBOL, "action": action}
            return await admin.alert(self.bot.webhook_url, message)

    async def executions(self):
        async with signed_in(self.url, "admin", PASSWORD) as admin:
            return await admin.executions()

    async def until(self, fits, within_s=240):
        async with asyncio.timeout(within_s):
            while True:
                found = await self.executions()
                if fits(found):
                    return found
                await asyncio.sleep(0.3)

    async def contracts(self):
        ledger = (await self.deriv.get("/_sim/ledger")).json()
        return [one for one in ledger["contracts"] if one["account"] == self.token]

    async def trades(self):
        """As the database keeps them."""
        with sqlite3.connect(self.folder / "data" / "copydesk.db") as database:
            return [Decimal(net) for (net,) in database.execute("select net_usd from trades")]

    async def books(self):
        """Both ledgers once everything has ended."""
        ended = await self.until(lambda found: found and all(one.state in FINAL for one in found) and _closed(found))
        ours = sorted(one.exchange_order_id for one in ended if (one.leg, one.state) == ("open", "FILLED"))
        contracts = await self.contracts()
        profits = sorted(Decimal(one["sell_price"]) - Decimal(one["buy_price"]) for one in contracts)
        theirs = sorted(str(one["contract_id"]) for one in contracts)
        return (ours, sorted(await self.trades())), (theirs, profits)


def _closed(found):
    """As many ends as beginnings."""
    filled = [one.leg for one in found if one.state == "FILLED"]
    return filled.count("open") == filled.count("close")


@pytest.fixture
async def deriv_url(tmp_path):
    port = free_port(0)
    async with child("deriv", ["simulate", "deriv", "--port", str(port)], {}, tmp_path) as simulator:
        await wait_until_ready(simulator, f"http://127.0.0.1:{port}/_sim/health", CLOCK)
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def running_desk(folder, url):
    folder.mkdir(exist_ok=True)
    async with httpx.AsyncClient(base_url=url, timeout=20) as deriv:
        yield Desk(folder, deriv)


@pytest.mark.parametrize("point", [*IN_THE_PROCESS, *ON_THE_WIRE])
async def test_a_hub_killed_anywhere_in_a_purchase_buys_one_contract_at_most_and_books_its_end(
    tmp_path, deriv_url, point
):
    call, _, kind = point.partition(" ")
    async with running_desk(tmp_path, deriv_url) as desk:
        async with desk.hub("none" if kind else point) as hub:
            await desk.seed()
            if kind:
                await desk.tell("faults", kind=kind, call=call, next_n=1, delay_s=2, account=desk.token)
            with suppress(httpx.TransportError):
                await desk.alert("buy")
            if kind:
                await asyncio.sleep(1.2)
                hub.kill()
            async with asyncio.timeout(30):
                await hub.wait()

        async with desk.hub():
            ours, theirs = await desk.books()

    contracts, _ = theirs
    assert ours == theirs
    assert len(contracts) == 1 if point in EXECUTED else len(contracts) <= 1


async def test_a_hub_killed_while_a_contract_runs_books_what_the_venue_paid(tmp_path, deriv_url):
    async with running_desk(tmp_path, deriv_url) as desk:
        async with desk.hub() as hub:
            await desk.seed()
            await desk.alert("sell")
            await desk.until(lambda found: any(one.state == "FILLED" for one in found))
            hub.kill()
            await hub.wait()
        await asyncio.sleep(DURATION_S)

        async with desk.hub():
            ours, theirs = await desk.books()

        assert ours == theirs
        assert len(theirs[0]) == 1
