"""Deriv's market in our words: symbols, prices, candles. Pure; of contracts, codec.py."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from copydesk.domain.candle import Candle
from copydesk.domain.instrument import Instrument, canonical_symbol
from copydesk.venues.deriv.codec import UNREADABLE, Answer, Request, number, unreadable
from copydesk.venues.deriv.dialects import Dialect

STAKE_MIN = Decimal("0.35")
"""Of rise/fall contracts (facts §5.3); what else a stake must be, the proposal says."""

STAKE_STEP = Decimal("0.01")
STAKE_MAX = Decimal(1_000_000)
"""Nobody's limit but arithmetic's: the venue's own one stands in no answer and comes as its proposal's refusal."""


def history(symbol: str, timeframe_s: int, *, since_s: int | None, until_s: int | None, most: int) -> Request:
    request: Request = {"ticks_history": symbol, "style": "candles", "granularity": timeframe_s, "count": most}
    request["end"] = "latest" if until_s is None else until_s
    return request if since_s is None else request | {"start": since_s}


def last_tick(symbol: str) -> Request:
    return {"ticks_history": symbol, "style": "ticks", "end": "latest", "count": 1}


def read_symbols(answer: Answer, dialect: Dialect) -> Mapping[str, tuple[str, Instrument]]:
    """The venue's own name and the steps of what is open for trade, by our name of it."""
    try:
        rows = [one for one in answer["active_symbols"] if not one.get("is_trading_suspended")]
        return {
            name: (str(row[dialect.symbol]), _instrument(name, number(row[dialect.pip])))
            for row in rows
            if (name := canonical_symbol(str(row[dialect.symbol]))) is not None
        }
    except UNREADABLE as error:
        unreadable("list of symbols", error)


def _instrument(name: str, pip: Decimal) -> Instrument:
    return Instrument(
        symbol=name,
        base=name,
        quote="USD",
        # The new API renames the pip; where its value is a whole number, it counts digits.
        price_tick=pip if 0 < pip < 1 else Decimal(1).scaleb(-int(pip)),
        quantity_step=STAKE_STEP,
        quantity_min=STAKE_MIN,
        quantity_max=STAKE_MAX,
        notional_min=Decimal(0),
    )


def read_last_tick(answer: Answer) -> Decimal:
    try:
        return number(answer["history"]["prices"][-1])
    except UNREADABLE as error:
        unreadable("price", error)


def read_candles(answer: Answer) -> Sequence[Candle]:
    """Oldest first; the last one is still open."""
    try:
        return [
            Candle(
                start_ms=int(row["epoch"]) * 1_000,
                open=number(row["open"]),
                high=number(row["high"]),
                low=number(row["low"]),
                close=number(row["close"]),
            )
            for row in answer["candles"]
        ]
    except UNREADABLE as error:
        unreadable("candles", error)
