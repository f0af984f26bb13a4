"""Where bots that copydesk runs get their candles: the venue of their own book, or on paper the market that they are for."""

from collections.abc import Iterator

from copydesk.domain.bot import Bot, MarketType
from copydesk.domain.errors import InvalidInput
from copydesk.domain.subscription import Account, Environment
from copydesk.domain.venue import ccxt_id
from copydesk.ports.clock import Clock
from copydesk.ports.market import Market
from copydesk.settings import Settings
from copydesk.venues.ccxt import CcxtCandles
from copydesk.venues.deriv import Deriv

_DEFAULT = {MarketType.FUTURES: "binanceusdm", MarketType.SPOT: "binance"}


class Markets:
    """Opened when they are first asked for."""

    def __init__(self, settings: Settings, clock: Clock, deriv: Deriv) -> None:
        simulator = settings.simulator.binance_url
        self._simulator_url = None if simulator is None else str(simulator)
        self._timeout_s = settings.venue_timeout_s
        self._clock = clock
        self._deriv = deriv
        self._open: dict[tuple[str, Environment], CcxtCandles] = {}

    def of(self, bot: Bot, account: Account) -> Market:
        """Raise InvalidInput where there are no candles for such a bot."""
        if bot.market_type is MarketType.OPTIONS:
            return self._deriv.market(account.environment)
        exchange_id = ccxt_id(account.venue) or _DEFAULT.get(bot.market_type)
        if exchange_id is None:
            raise InvalidInput(
                f"market_type: there are no candles for {bot.market_type} bots; futures, spot or options"
            )
        key = exchange_id, account.environment
        if key not in self._open:
            self._open[key] = CcxtCandles(
                exchange_id,
                account.environment,
                self._clock,
                market=bot.market_type,
                simulator_url=self._simulator_url,
                timeout_s=self._timeout_s,
            )
        return self._open[key]

    def __iter__(self) -> Iterator[CcxtCandles]:
        return iter(self._open.values())

    async def close(self) -> None:
        for market in self:
            await market.close()
