"""What one seed tells: who follows what, which alerts come when, and what breaks in between."""

import itertools
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random

import store_support
from copydesk.domain import ids
from copydesk.domain.bot import OnOpposite
from copydesk.domain.subscription import CopyOptions, OnDailyLoss, OnUnprotected, SubscriptionStatus
from simulation.exchange import IN_THE_STREAM, KINDS, ON_READS
from store_support import make_account, make_bot, make_subscription

PRICES = {"BTCUSDT": Decimal(95200), "ETHUSDT": Decimal(3300)}

ACTIONS = ("open_long", "open_short", "buy", "sell", "close", "close_long", "close_short")

KILL_POINTS = ("any_time", "after_commit", "request_left", "executed", "while_taking_over")


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that happens at a moment, seconds from the start."""

    at_s: float
    kind: str
    given: tuple = ()


@dataclass(slots=True)
class Story:
    """`until_s`: from then on nothing breaks any more."""

    seed: int
    wild: bool
    bots: list
    accounts: list
    subscriptions: list
    deeds: list
    kinds: tuple
    probability: float
    until_s: float
    loses_answers: float = 0.0
    fixed: dict = field(default_factory=dict)


def seed_ids(random):
    """From here on every id comes from the seed."""
    ids.random, ids._sequence = random, itertools.count()


def begin(random):
    """And so does everything that the tests' helpers make."""
    seed_ids(random)
    store_support._counter = itertools.count()


def tell(seed):
    """Every choice comes from the seed."""
    random = Random(f"story {seed}")
    begin(random)
    bots = [_bot(random) for _ in range(random.choice((1, 1, 2)))]
    accounts, subscriptions = [], []
    for _ in range(random.choice((1, 1, 2, 2, 3, 4))):
        account = make_account()
        accounts.append(account)
        subscriptions += [
            _subscription(random, bot, account) for bot in bots if bot is bots[0] or random.random() < 0.5
        ]
    alerts = [_alert(random, bots) for _ in range(random.randint(2, 7))]
    zombies = list(_zombies(random, bots))
    alerts += [deed for deed in zombies if deed.kind == "alert"]
    until_s = max(deed.at_s for deed in alerts) + random.uniform(1, 8)
    wild = random.random() < 0.04
    kinds = tuple(random.sample(KINDS, random.choice((0, 1, 2, 2, 3, 5))))
    if random.random() < 0.1:
        kinds = tuple(kind for kind in KINDS if kind not in (*IN_THE_STREAM, *ON_READS))
    troubles = [deed for make in _TROUBLES for deed in make(random, until_s)]
    troubles += [deed for deed in zombies if deed.kind != "alert"]
    return Story(
        seed=seed,
        wild=wild,
        bots=bots,
        accounts=accounts,
        subscriptions=subscriptions,
        deeds=sorted([*alerts, *_prices(random, until_s), *troubles], key=lambda deed: deed.at_s),
        kinds=kinds,
        probability=random.choice((0.0, 0.05, 0.2, 0.5, 0.9)),
        until_s=until_s,
        loses_answers=random.choice((0.0, 0.0, 0.0, 0.02)),
    )


def _bot(random):
    return make_bot(
        default_leverage=random.choice((3, 10, 20)),
        default_margin_usd=Decimal(random.choice((20, 55, 333))),
        default_stop_loss_pct=Decimal(random.choice(("0", "0.5", "2.5"))),
        default_take_profit_pct=Decimal(random.choice(("0", "0.7", "5"))),
        on_opposite=random.choice(list(OnOpposite)),
        open_freshness_s=random.choice((5, 30)),
    )


def _subscription(random, bot, account):
    loses = random.random() < 0.15
    return make_subscription(
        owner_id=account.owner_id,
        bot_id=bot.id,
        account_id=account.id,
        status=random.choice((SubscriptionStatus.ACTIVE,) * 9 + (SubscriptionStatus.CLOSE_ONLY,)),
        custom_leverage=random.choice((None, None, 7, 25)),
        custom_margin_usd=random.choice((None, None, Decimal("147.23"))),
        custom_stop_loss_pct=random.choice((None, None, Decimal(0), Decimal("1.1"))),
        max_daily_loss_usd=Decimal("1.5") if loses else None,
        max_concurrent_positions=random.choice((None, None, None, 1)),
        copy=CopyOptions(
            on_unprotected=random.choice((OnUnprotected.FLATTEN, OnUnprotected.FLATTEN, OnUnprotected.ALERT)),
            on_daily_loss=random.choice(list(OnDailyLoss)),
        ),
    )


def _alert(random, bots):
    """Most come once; some are sent again, at once or later, as TradingView does."""
    part = random.choice((None, None, None, Decimal(50), Decimal(33)))
    symbol = random.choice(("BTCUSDT", "BTCUSDT", "BTCUSDT", "ETHUSDT"))
    times = random.choice((1, 1, 1, 1, 2, 5))
    return Deed(
        random.choice((random.uniform(0, 2), random.uniform(0, 25))),
        "alert",
        (random.randrange(len(bots)), random.choice(ACTIONS), symbol, part, times),
    )


def _prices(random, until_s):
    for _ in range(random.choice((0, 1, 3))):
        symbol = random.choice(list(PRICES))
        moved = PRICES[symbol] * Decimal(str(round(random.uniform(0.96, 1.04), 4)))
        yield Deed(random.uniform(0, until_s), "price", (symbol, moved.quantize(Decimal("0.1"))))


def _kills(random, until_s):
    for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
        point = random.choice(KILL_POINTS)
        yield Deed(random.uniform(0, until_s), "kill", (point, random.randint(1, 8), random.uniform(0.3, 3)))


def _zombies(random, bots):
    """A desk that is stopped, and an alert around the time when it goes on: there is something to do for whoever is at work then."""
    if random.random() < 0.06:
        at_s, for_s = random.uniform(0, 25), random.uniform(1, 40)
        yield Deed(at_s, "stop", (for_s, random.choice((0, 1, 2, 3)), random.randint(1, 4)))
        yield replace(_alert(random, bots), at_s=at_s + for_s + random.uniform(-1, 3))


def _outages(random, until_s):
    if random.random() < 0.1:
        yield Deed(random.uniform(0, until_s), "database_away", (random.uniform(0.2, 12),))


def _clock_steps(random, until_s):
    if random.random() < 0.1:
        yield Deed(random.uniform(0, until_s), "clock_step", (random.choice((-3600, -20, -2, 2, 20, 3600)),))


def _breakers(random, until_s):
    if random.random() < 0.12:
        pulled_s = random.uniform(0, until_s)
        yield Deed(pulled_s, "breaker", (random.choice(("stop_opens", "cancel_working", "flatten")),))
        yield Deed(random.uniform(pulled_s, until_s), "breaker", ("release",))


_TROUBLES = (_kills, _outages, _clock_steps, _breakers)
