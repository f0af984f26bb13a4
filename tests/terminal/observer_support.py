"""A broker small enough to be right by reading it, and what a master would believe after the events it was told."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.terminal.codec import Deal, Entry, Order, Position
from copydesk.terminal.events import Kind
from copydesk.terminal.memory import Memory
from copydesk.terminal.observer import Sight, observe

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
ZERO = Decimal(0)


def position(identifier=7, *, ticket=None, is_buy=True, volume="0.1", sl="0", tp="0", msc=1_000, updated=None, **more):
    return Position(
        **{
            "identifier": identifier,
            "ticket": ticket or identifier,
            "symbol": "EURUSD",
            "is_buy": is_buy,
            "volume": Decimal(volume),
            "price": Decimal("1.085"),
            "price_current": Decimal("1.085"),
            "sl": Decimal(sl),
            "tp": Decimal(tp),
            "profit": ZERO,
            "opened_msc": msc,
            "updated_msc": updated or msc,
            "magic": 0,
            "reason": 0,
            "comment": "",
            **more,
        }
    )


def deal(ticket, position_id=7, *, buys=True, entry=Entry.IN, volume="0.1", msc=1_000, reason=0, order=None, **more):
    return Deal(
        **{
            "ticket": ticket,
            "order": order or ticket,
            "position_id": position_id,
            "symbol": "EURUSD",
            "type": 0 if buys else 1,
            "entry": entry,
            "reason": reason,
            "volume": Decimal(volume),
            "price": Decimal("1.085"),
            "profit": ZERO,
            "commission": ZERO,
            "swap": ZERO,
            "msc": msc,
            "magic": 0,
            "comment": "",
            **more,
        }
    )


def order(ticket=9, *, type=2, state=1, price="1.08", volume="0.1", sl="0", msc=1_000, done=0, **more):  # noqa: A002
    return Order(
        **{
            "ticket": ticket,
            "symbol": "EURUSD",
            "type": type,
            "state": state,
            "type_time": 0,
            "volume": Decimal(volume),
            "volume_current": Decimal(volume),
            "price": Decimal(price),
            "stoplimit": ZERO,
            "sl": Decimal(sl),
            "tp": ZERO,
            "expiration": 0,
            "placed_msc": msc,
            "done_msc": done,
            "position_id": 0,
            "magic": 0,
            "comment": "",
            **more,
        }
    )


class Eye:
    """Looks again and again, and keeps what it was told."""

    def __init__(self, **options):
        self.memory = Memory(is_new=False)
        self.at = START
        self.events = []
        self.options = options

    def look(self, positions=(), deals=(), orders=(), *, later_s=0.05, **more):
        """The kinds that this look told."""
        self.at += timedelta(seconds=later_s)
        sight = Sight(positions=positions, orders=orders, deals=deals, **more)
        seen = observe(self.memory, sight, self.at, **self.options)
        self.memory = seen.memory
        self.events += seen.events
        return [one.kind for one in seen.events]


@dataclass
class Broker:
    """Hedging or netting; each trade leaves its deal, as facts of MetaTrader 5 §2.1 say."""

    hedging: bool = True
    positions: dict = field(default_factory=dict)
    deals: list = field(default_factory=list)
    now: int = 1_000
    number: int = 100

    def trade(self, symbol_number, *, is_buy, lots, target=None):
        """`target` closes (a part of) a position on a hedging account."""
        self.now += 7
        self.number += 1
        volume, symbol = Decimal(lots) / 100, f"SYMBOL{symbol_number}"
        held = self.positions.get(target) if self.hedging else self._held(symbol)
        if held is None:
            self._note(self.number, symbol, Entry.IN, volume, is_buy=is_buy)
            made = position(self.number, is_buy=is_buy, volume=volume, msc=self.now, symbol=symbol)
            self.positions[self.number] = made
        elif held.is_buy == is_buy:
            self._note(held.identifier, symbol, Entry.IN, volume, is_buy=is_buy)
            self._become(held, held.volume + volume)
        elif volume <= held.volume:
            self._note(held.identifier, held.symbol, Entry.OUT, volume, is_buy=is_buy)
            self._become(held, held.volume - volume)
        else:
            self._note(held.identifier, symbol, Entry.INOUT, volume, is_buy=is_buy)
            self._become(held, volume - held.volume, is_buy=is_buy, ticket=self.number)

    def set_levels(self, identifier, sl):
        held = self.positions[identifier]
        self.now += 7
        self._become(held, held.volume, sl=Decimal(sl))

    def shown(self):
        return list(self.positions.values())

    def _held(self, symbol):
        return next((one for one in self.positions.values() if one.symbol == symbol), None)

    def _become(self, held, volume, **more):
        kept = {name: getattr(held, name) for name in held.__struct_fields__}
        del self.positions[held.identifier]
        if volume:
            self.positions[held.identifier] = Position(**{**kept, "volume": volume, "updated_msc": self.now, **more})

    def _note(self, identifier, symbol, entry, volume, *, is_buy):
        ticket = 10_000 + len(self.deals)
        made = deal(
            ticket, identifier, buys=is_buy, entry=entry, volume=volume, msc=self.now, order=self.number, symbol=symbol
        )
        self.deals.append(made)


def believed(events):
    """Ticket → (type, volume, sl) after these events; asserts that they can be played in this order."""
    held = {}
    for event in events:
        match event.kind:
            case Kind.OPEN:
                assert event.number not in held
                held[event.number] = (event.symbol, event.type, event.volume, event.sl)
            case Kind.CLOSE:
                symbol, kind, volume, _ = held.pop(event.number)
                assert (symbol, kind, volume) == (event.symbol, event.type, event.volume_before)
            case Kind.GROW | Kind.PARTIAL_CLOSE:
                symbol, kind, volume, sl = held[event.number]
                assert volume == event.volume_before
                held[event.number] = (symbol, kind, event.volume, sl)
            case Kind.MODIFY:
                symbol, kind, volume, _ = held[event.number]
                held[event.number] = (symbol, kind, volume, event.sl)
    return held
