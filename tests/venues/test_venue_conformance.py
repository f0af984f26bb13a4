"""The conformance suite, venue by venue."""

import secrets

import pytest

from copydesk.domain.errors import VenueUnavailable
from copydesk.domain.subscription import Environment, PositionMode
from copydesk.domain.venue import PAPER
from copydesk.stores.paper import StoredPaperLedger
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.store import SqlStore
from copydesk.stores.vault import EnvelopeVault
from copydesk.venues.binance import BinanceFutures
from copydesk.venues.ccxt import CcxtVenue
from copydesk.venues.paper import Paper
from desk_support import CLOCK
from store_support import make_account, make_user
from venue_conformance import VenueConformance


async def account_at(market, venue, *, hedge=False):
    """A session of a new account; one in hedge mode is served as if it could not be switched to one-way."""
    key = secrets.token_hex(16)
    await market.account(key, hedge=hedge)
    session = venue.open_session(make_account(), {"api_key": key, "api_secret": f"secret-of-{key}"})
    session._mode = PositionMode.HEDGE if hedge else None
    return session


class TestBinanceFutures(VenueConformance):
    hedge = False

    @pytest.fixture
    async def venue(self, binance):
        return binance

    @pytest.fixture
    async def session(self, market, binance):
        return await account_at(market, binance, hedge=self.hedge)

    @pytest.fixture
    async def other(self, market, binance):
        return await account_at(market, binance, hedge=self.hedge)


class TestBinanceFuturesInHedgeMode(TestBinanceFutures):
    """An account that cannot be switched to one-way, because it holds something else already."""

    hedge = True


class TestBinanceFuturesOverRest(TestBinanceFutures):
    """Where there is no connection for orders: the same promises."""

    @pytest.fixture
    async def binance(self, binance):
        binance._place(Environment.SIMULATOR).transport.sockets._url = "ws://127.0.0.1:1/ws-fapi/v1"
        return binance


class TestCcxtOnBinanceSpot(VenueConformance):
    @pytest.fixture
    async def venue(self, market):
        venue = CcxtVenue("binance", CLOCK, simulator_url=market.url, timeout_s=10, allow_live=False)
        yield venue
        await venue.close()

    @pytest.fixture
    async def session(self, market, venue):
        key = secrets.token_hex(16)
        await market.account(key, spot={"USDT": "10000"})
        account = make_account(venue="ccxt:binance")
        return venue.open_session(account, {"api_key": key, "api_secret": f"secret-of-{key}"})


class TestPaper(VenueConformance):
    @pytest.fixture
    async def database(self, tmp_path):
        database = SqliteDatabase(tmp_path / "copydesk.db")
        await database.start()
        yield database
        await database.close()

    @pytest.fixture
    async def venue(self, binance, database):
        return Paper(CLOCK, StoredPaperLedger(database), binance.quote, binance.symbols)

    @pytest.fixture
    async def session(self, database, venue):
        user = make_user()
        account = make_account(owner_id=user.id, venue=PAPER)

        def work(tables):
            tables.users.add(user, "no password")
            tables.accounts.add(account, {})

        await SqlStore(database, EnvelopeVault(b"0" * 32)).write(work)
        return venue.open_session(account, {})


async def test_an_account_that_holds_positions_in_hedge_mode_is_served_as_it_is(market, binance):
    from copydesk.domain.subscription import MarginMode

    key = secrets.token_hex(16)
    await market.account(key, hedge=True)
    credentials = {"api_key": key, "api_secret": f"secret-of-{key}"}
    first = binance.open_session(make_account(), credentials)
    first._mode = PositionMode.HEDGE
    await VenueConformance().place(binance, first)

    second = binance.open_session(make_account(), credentials)
    mode = await second.prepare("ETHUSDT", leverage=3, margin_mode=MarginMode.ISOLATED)

    assert mode is PositionMode.HEDGE


async def test_without_a_simulator_an_account_there_never_reaches_the_real_exchange():
    venue = BinanceFutures(CLOCK, simulator_url=None, timeout_s=2, allow_live=False)
    session = venue.open_session(make_account(), {"api_key": "k", "api_secret": "s"})

    for _ in range(2):
        with pytest.raises(VenueUnavailable, match="no Binance simulator"):
            await venue.symbols(Environment.SIMULATOR)
        with pytest.raises(VenueUnavailable, match="no Binance simulator"):
            await session.balance()


@pytest.mark.parametrize("exchange_id", ["binance", "kraken"])
async def test_without_a_simulator_no_exchange_of_ccxt_is_reached_either(exchange_id):
    venue = CcxtVenue(exchange_id, CLOCK, simulator_url=None, timeout_s=2, allow_live=False)

    for _ in range(2):
        with pytest.raises(VenueUnavailable, match="no simulator of"):
            await venue.symbols(Environment.SIMULATOR)
        with pytest.raises(VenueUnavailable, match="no simulator of"):
            venue.open_session(make_account(venue=f"ccxt:{exchange_id}"), {"api_key": "k", "api_secret": "s"})
    await venue.close()
