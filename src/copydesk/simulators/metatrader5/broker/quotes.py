"""Bid and ask of each symbol, the ticks they leave, and conversion between currencies; all in the server's own time."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from copydesk.simulators.market import Candle, Chart, Market, Start
from copydesk.simulators.metatrader5.broker.instruments import INSTRUMENTS, Instrument
from copydesk.simulators.metatrader5.broker.words import Calculation, TradeMode

TICKS_KEPT = 10_000
_CROSSES = {"EUR": "EURUSD", "GBP": "GBPUSD"}
_INVERSE = {"JPY": "USDJPY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    time_msc: int
    bid: Decimal
    ask: Decimal


class Quotes:
    """``sessions``: markets close by their hours and at the weekend; else they are always open."""

    def __init__(
        self, *, seed: int, now_ms: int, sessions: bool, replays: Mapping[str, Sequence[Candle]] | None = None
    ) -> None:
        self.instruments: dict[str, Instrument] = dict(INSTRUMENTS)
        self._sessions = sessions
        self._now_ms = now_ms
        self._forced: dict[str, bool] = {}
        self._spreads: dict[str, int] = {}
        starts = {each.source: Start(symbol=each.source, price=each.start, tick=each.point) for each in self.all()}
        self._market = Market(seed=seed, starts=list(starts.values()), now_ms=now_ms, replays=replays)
        self._quotes: dict[str, Quote] = {}
        self.ticks: dict[str, deque[Quote]] = {name: deque(maxlen=TICKS_KEPT) for name in self.instruments}
        for each in self.all():
            self._note(each, now_ms)

    def all(self) -> Sequence[Instrument]:
        return list(self.instruments.values())

    def now(self, symbol: str) -> Quote:
        return self._quotes[symbol]

    def price(self, symbol: str, *, buy: bool) -> Decimal:
        """What a buyer or a seller gets now."""
        quote = self._quotes[symbol]
        return quote.ask if buy else quote.bid

    def chart(self, symbol: str) -> Chart:
        """Candles of bids."""
        return self._market.chart(self.instruments[symbol].source)

    def spread(self, symbol: str) -> int:
        """In points."""
        each = self.instruments[symbol]
        return self._spreads.get(each.source, each.spread)

    def is_open(self, symbol: str) -> bool:
        if symbol in self._forced:
            return self._forced[symbol]
        return not self._sessions or self.instruments[symbol].hours.is_open(self._now_ms)

    def force(self, symbol: str, is_open: bool | None) -> None:
        """Open or close a market by hand; None gives it back to its hours."""
        self._forced.pop(symbol, None)
        if is_open is not None:
            self._forced[symbol] = is_open

    def change(self, symbol: str, *, trade_mode: TradeMode | None, **levels: int) -> None:
        """``levels``: stops_level, freeze_level, filling_flags."""
        changed = replace(self.instruments[symbol], **levels)  # type: ignore[arg-type]
        self.instruments[symbol] = changed if trade_mode is None else replace(changed, trade_mode=trade_mode)

    def steps(self, now_ms: int) -> Iterator[int]:
        """Each due step of the market, so that orders can be triggered by every price; closed markets stand still."""
        for at_ms in self._market.steps(now_ms):
            self._now_ms = at_ms
            for each in self.all():
                if self.is_open(each.name):
                    self._note(each, at_ms)
            yield at_ms
        self._now_ms = max(self._now_ms, now_ms)

    def put(self, symbol: str, price: Decimal, now_ms: int, *, hold: bool, spread: int | None) -> None:
        """Set the bid; held, it stays, and the ask stands ``spread`` points above it (held: 1 unless told)."""
        source = self.instruments[symbol].source
        self._market.put(source, price, now_ms, hold=hold)
        self._spreads.pop(source, None)
        if spread is not None or hold:
            self._spreads[source] = 1 if spread is None else spread
        for each in self.all():
            if each.source == source:
                self._note(each, now_ms)

    def convert(self, amount: Decimal, currency: str, wanted: str) -> Decimal:
        """At current bids, by way of the dollar."""
        return amount if currency == wanted else amount * self._in_dollars(currency) / self._in_dollars(wanted)

    def margin(self, each: Instrument, volume: Decimal, price: Decimal, leverage: int, currency: str) -> Decimal:
        """By the documented formula of its calculation; a CFD's is in its profit currency, FX's in its base."""
        size = volume * each.contract_size * each.margin_rate
        match each.calculation:
            case Calculation.FOREX:
                amount = size / leverage
            case Calculation.CFD | Calculation.CFD_INDEX:
                amount = size * price  # an index' tick price is what one tick of one contract is worth: the factor is 1
            case Calculation.CFD_LEVERAGE:
                amount = size * price / leverage
        return cents(self.convert(amount, each.margin_currency, currency))

    def profit(
        self, each: Instrument, *, buy: bool, volume: Decimal, opened: Decimal, closed: Decimal, currency: str
    ) -> Decimal:
        moved = closed - opened if buy else opened - closed
        return cents(self.convert(moved * each.contract_size * volume, each.profit, currency))

    def _in_dollars(self, currency: str) -> Decimal:
        if currency in _CROSSES:
            return self._quotes[_CROSSES[currency]].bid
        if currency in _INVERSE:
            return 1 / self._quotes[_INVERSE[currency]].bid
        return Decimal(1)

    def _note(self, each: Instrument, at_ms: int) -> None:
        bid = self._market.quote(each.source).last
        quote = Quote(time_msc=at_ms, bid=bid, ask=bid + self.spread(each.name) * each.point)
        before = self._quotes.get(each.name)
        self._quotes[each.name] = quote
        if before is None or (before.bid, before.ask) != (quote.bid, quote.ask):
            self.ticks[each.name].append(quote)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
