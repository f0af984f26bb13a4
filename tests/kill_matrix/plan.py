"""What a seed means: the followers, and for each round its point, alerts, prices and faults. Made before anything starts.

Each round has a randomness of its own, so that nothing that happens, or happens later, changes what is played.
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, islice
from random import Random

from kill_matrix.points import BREAKER, LEAVES_SENDING, NAMED, RANDOM, STOPPED, TAKE_OVERS

SYMBOLS = {"BTCUSDT": 95_200, "ETHUSDT": 3_300, "SOLUSDT": 150}
ACTIONS = ("open_long", "open_short", "close", "close half", "buy", "sell")
OPENINGS = ("open_long", "open_short")
FOLLOWERS = 8
MAX_ONE, CLOSE_ONLY, CROSSED, UNPROTECTED = 5, 6, 2, 1

_EXECUTED = ("unknown_executed", "drop_after", "truncated", "empty_200")
"""Faults that lose the answer to an order which exists."""

_FAULTS = (
    *_EXECUTED,
    "drop_before",
    "unknown_not_executed",
    "html_502",
    "rate_limit",
    "late_not_found",
    "delay_before",
    "delay_after",
    "duplicate_event",
    "reordered_event",
    "stream_disconnect",
)
_DELAYS_S = {"delay_before": (1, 2), "delay_after": (1, 4), "late_not_found": (1, 4), "rate_limit": (1,)}
"""Far below the settle time. Four seconds are longer than this desk waits for an answer."""

_COUNTDOWNS = {"result": 5, "first_byte": 6, "request_sent": 6, "mid_answer": 6, "intent": 3, "stop_intent": 3}
"""How often a point may be passed at most before it strikes; where nothing is said, twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one follower wants of which bot; None is the bot's own."""

    bot: int
    leverage: int | None
    margin_usd: Decimal | None
    stop_loss_pct: Decimal | None
    take_profit_pct: Decimal | None
    is_close_only: bool
    positions_max: int | None
    is_crossed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAlert:
    """Posted `times` times at once."""

    bot: int
    symbol: str
    action: str
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Volley:
    """Alerts that come together, then a pause; `price` is what the market does before them: a symbol and its price."""

    alerts: tuple[PlannedAlert, ...]
    pause_s: float
    price: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """As the exchange's door takes it."""

    kind: str
    probability: float
    delay_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One hub's life. `forwards`: what the wire holds at the kill still gets through. Dead after `kill_after_s` at random."""

    number: int
    point: str
    countdown: int
    forwards: bool
    kill_after_s: float
    price: tuple[str, str]
    faults: tuple[PlannedFault, ...]
    volleys: tuple[Volley, ...]


def followers(seed):
    """Each differs; who copies closes only, who holds one position at most and who wants no stop is the same for all seeds."""
    random = Random(f"{seed}/followers")
    return [
        Settings(
            bot=int(number % 4 == 3),
            leverage=random.choice((None, 5, 20)),
            margin_usd=random.choice((None, Decimal(120), Decimal("333.3"))),
            stop_loss_pct=Decimal(0) if number == UNPROTECTED else random.choice((None, None, Decimal("0.8"))),
            take_profit_pct=random.choice((None, Decimal("0.9"))),
            is_close_only=number == CLOSE_ONLY,
            positions_max=1 if number == MAX_ONE else None,
            is_crossed=number == CROSSED,
        )
        for number in range(FOLLOWERS)
    ]


def rounds(seed, kills, only=()):
    """As many kills as asked for; stopped hubs (one in 25 kills) and pulled breakers (one in 50) come on top.

    `only`: these points in turn, and nothing else.
    """
    random = Random(f"{seed}/points")
    points = list(islice(cycle(only), kills)) if only else _points(random, kills)
    return [plan_round(seed, number, point) for number, point in enumerate(points, 1)]


def _points(random, kills):
    points = [one for unit in _units(random, kills) for one in unit][:kills]
    breaks = max(kills // 50, 1)
    stops = max(kills // 25, 1) if kills >= 10 else 0
    for place in sorted(random.sample(range(1, kills + 1), k=min(breaks, kills)), reverse=True):
        points.insert(_between_pairs(points, place), BREAKER)
    for place in sorted(random.sample(range(1, kills + 1), k=min(stops, kills)), reverse=True):
        points.insert(_between_pairs(points, place), STOPPED)
    return points


def _units(random, kills):
    """Each named point as often as the others, a quarter random; a take-over comes right after what it takes over."""
    cycles = max(2, kills * 3 // 4 // len(NAMED)) if kills >= 2 * len(NAMED) else 1
    named = [unit for _ in range(cycles) for unit in _cycle(random)]
    for _ in range(kills - cycles * len(NAMED)):
        named.insert(random.randrange(len(named) + 1), (RANDOM,))
    return named


def _cycle(random):
    before = random.sample(LEAVES_SENDING, len(TAKE_OVERS))
    pairs = list(zip(before, TAKE_OVERS, strict=True))
    alone = [(one,) for one in NAMED if one not in {*before, *TAKE_OVERS}]
    return random.sample([*pairs, *alone], len(pairs) + len(alone))


def _between_pairs(points, place):
    return place + (place < len(points) and points[place] in TAKE_OVERS)


def plan_round(seed, number, point):
    random = Random(f"{seed}/round {number}")
    countdown_max = next((most for name, most in _COUNTDOWNS.items() if point.startswith(name)), 2)
    return Round(
        number=number,
        point=point,
        countdown=random.randint(1, countdown_max),
        forwards=random.random() < 0.5,
        kill_after_s=random.uniform(0.5, 6.0),
        price=_price(random),
        faults=tuple(_faults(random, point)),
        volleys=tuple(_volleys(random, point)),
    )


def _price(random):
    symbol = random.choice(list(SYMBOLS))
    return symbol, f"{SYMBOLS[symbol] * random.uniform(0.985, 1.015):.1f}"


def _faults(random, point):
    """None where a cancel must be reached; such as make an order unknown where that is the point."""
    if point == "cancel_first_byte":
        return
    if point.startswith(("unknown", "settled")):
        yield PlannedFault(kind=random.choice(_EXECUTED), probability=0.6, delay_s=None)
    elif random.random() < 0.6:
        kind = random.choice(_FAULTS)
        delays = _DELAYS_S.get(kind)
        yield PlannedFault(
            kind=kind, probability=random.choice((0.1, 0.3)), delay_s=None if delays is None else random.choice(delays)
        )


def _volleys(random, point):
    """What the point needs to be met comes first."""
    symbols = random.sample(list(SYMBOLS), len(SYMBOLS))
    if point == "cancel_first_byte":
        yield Volley(alerts=(_alert(random, symbols[0], random.choice(OPENINGS), bot=0),), pause_s=1.2)
        yield Volley(alerts=(_alert(random, symbols[0], "close", bot=0),), pause_s=1.5)
    elif point == BREAKER:
        opened = [_alert(random, one, random.choice(OPENINGS), bot=bot) for one in symbols for bot in (0, 1)]
        yield Volley(alerts=tuple(opened), pause_s=random.uniform(0.02, 0.3))
    elif point not in {RANDOM, *TAKE_OVERS}:
        yield Volley(alerts=(_alert(random, symbols[0], random.choice(OPENINGS), bot=0),), pause_s=_pause(random))
        yield Volley(alerts=(_alert(random, symbols[1], random.choice(OPENINGS), bot=0),), pause_s=_pause(random))
    for _ in range(random.randint(2, 3)):
        alerts = tuple(_alert(random, random.choice(symbols)) for _ in range(random.choice((1, 1, 2))))
        price = _price(random) if random.random() < 0.3 else None
        yield Volley(alerts=alerts, pause_s=_pause(random), price=price)


def _alert(random, symbol, action=None, bot=None):
    return PlannedAlert(
        bot=int(random.random() < 0.25) if bot is None else bot,
        symbol=symbol,
        action=random.choice(ACTIONS) if action is None else action,
        times=random.choice((1, 1, 1, 2, 4)),
    )


def _pause(random):
    return random.uniform(0.02, 0.4)
