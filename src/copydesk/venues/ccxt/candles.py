"""Candles of any exchange of ccxt: the Market of ports/market.py."""

from collections.abc import Sequence
from decimal import Decimal

from copydesk.domain.bot import MarketType
from copydesk.domain.candle import Candle
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.subscription import Environment
from copydesk.ports.clock import Clock
from copydesk.ports.market import TIMEFRAMES
from copydesk.venues.ccxt.capabilities import Capabilities
from copydesk.venues.ccxt.carrier import Carrier
from copydesk.venues.ccxt.market import MarketTable

_NAMES = {seconds: name for name, seconds in TIMEFRAMES.items()}

AT_ONCE = 1_000


class CcxtCandles:
    """One exchange in one environment; no account is needed for it."""

    def __init__(
        self,
        exchange_id: str,
        environment: Environment,
        clock: Clock,
        *,
        market: MarketType,
        simulator_url: str | None,
        timeout_s: float,
    ) -> None:
        """Raise InvalidInput for an exchange that ccxt does not know."""
        self.name = f"{exchange_id}:{environment}"
        known = Capabilities(market=market, simulated=True)
        self._carrier = Carrier(exchange_id, environment, known, simulator_url, timeout_s)
        self._table = MarketTable(self._carrier, clock, is_spot=market is MarketType.SPOT)

    async def candles(self, symbol: str, timeframe_s: int, *, since_ms: int | None, most: int) -> Sequence[Candle]:
        """As the exchange tells them, in numbers of its own: the shortest text that means the same number counts."""
        if symbol not in await self._table.instruments():
            raise _refused("symbols", f"{symbol} is not traded at {self.name}")
        if timeframe_s not in _NAMES:
            raise _refused("timeframe", f"{timeframe_s} s is none of {', '.join(TIMEFRAMES)}")
        rows = await self._table.candles(symbol, _NAMES[timeframe_s], since_ms, min(most, AT_ONCE))
        return [_candle(row) for row in rows]

    async def close(self) -> None:
        await self._carrier.close()


def _candle(row: Sequence[float]) -> Candle:
    prices = [Decimal(str(one)) for one in row[1:6]]
    names = ("open", "high", "low", "close", "volume")
    return Candle(start_ms=int(row[0]), **dict(zip(names, prices, strict=True)))


def _refused(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field}: {problem}", (FieldError(field, problem),))
