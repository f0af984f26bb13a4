"""Followers who are alike share one decision: it must be the one that each would have got alone, with an order of their own."""

import hashlib
import itertools
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from copydesk.domain.bot import MarketType, PayloadSize
from copydesk.domain.breaker import Breaker, BreakerMode, BreakerScope, Reach
from copydesk.domain.execution import State
from copydesk.domain.guards import Exposure
from copydesk.domain.ids import client_order_id
from copydesk.domain.planning import Plans
from copydesk.domain.signal import Direction, LegKind, Size, SizeUnit, SourceKind, Step
from copydesk.domain.subscription import CopyOptions, KeyCheck, MarginMode, PositionMode, SubscriptionStatus
from copydesk.engine.deciding import Deciding, Market
from copydesk.ports.store import Preparation
from copydesk.ports.venue import Traits
from copydesk.venues.binance import codec
from store_support import (
    NOW,
    make_account,
    make_bot,
    make_execution,
    make_follower,
    make_position,
    make_quote,
    make_signal,
    make_subscription,
)

MADE = Preparation(leverage=5, margin_mode="isolated", position_mode=PositionMode.ONE_WAY)
LONG = make_position(quantity=Decimal("0.004"))

KINDS = (
    {},
    {"position": LONG},
    {"follows": {"max_daily_loss_usd": Decimal(50), "max_concurrent_positions": 1}},
    {"account": {"key_check": KeyCheck.REFUSED}},
)
DIFFERENCES = (
    *(
        {"follows": {name: value}}
        for name, value in [
            ("status", SubscriptionStatus.PAUSED),
            ("status", SubscriptionStatus.CLOSE_ONLY),
            ("custom_leverage", 10),
            ("custom_margin_usd", Decimal("19.99")),
            ("custom_margin_usd", Decimal(5000)),
            ("custom_stop_loss_pct", Decimal(0)),
            ("custom_take_profit_pct", Decimal(0)),
            ("max_daily_loss_usd", Decimal(0)),
            ("max_concurrent_positions", 0),
            ("copy", CopyOptions(margin_mode=MarginMode.CROSS)),
        ]
    ),
    *(
        {"account": {name: value}}
        for name, value in [("is_active", False), ("key_problem", "expired"), ("venue", "paper")]
    ),
    *({"position": value} for value in [None, LONG]),
    {"position": replace(LONG, quantity=Decimal("0.003"))},
    {"position": replace(LONG, quantity=Decimal("0.0005"))},
    {"position": replace(LONG, entry_price=Decimal(90_000))},
    {"position": replace(LONG, direction=Direction.SHORT)},
    *(
        {"exposure": Exposure(**{name: value})}
        for name, value in [
            ("slots_used", 1),
            ("loss_today_usd", Decimal(50)),
            ("day_has_ended", True),
            ("symbol_taken_by", "another"),
        ]
    ),
    {"made": None},
    {"made": replace(MADE, leverage=10)},
    {"made": replace(MADE, position_mode=PositionMode.HEDGE)},
    {"available_usd": Decimal(300)},
    {"has_stop": True},
    {},
)
STEPS = (
    (Step(leg=LegKind.OPEN, direction=Direction.LONG),),
    (Step(leg=LegKind.OPEN, direction=Direction.SHORT),),
    (Step(leg=LegKind.CLOSE, direction=Direction.LONG),),
    (Step(leg=LegKind.CLOSE, direction=Direction.FLAT, fraction=Decimal("0.5")),),
    (
        Step(leg=LegKind.CLOSE, direction=Direction.SHORT),
        Step(leg=LegKind.OPEN, direction=Direction.LONG, fraction=Decimal("0.5")),
    ),
)
SOURCES = (SourceKind.TRADINGVIEW, SourceKind.STRATEGY, SourceKind.DESK, SourceKind.TEST)
SIZE = Size(unit=SizeUnit.BASE, amount=Decimal("0.006"))
BOT = make_bot(payload_size=PayloadSize.USE)


class _Sessions:
    """One venue whose clock is known or is not, and which freezes as Binance does."""

    def __init__(self, *, is_spot, is_clock_known):
        self.traits = Traits(markets=frozenset(MarketType), credentials=(), is_spot=is_spot)
        self._venue_time = NOW + timedelta(milliseconds=70) if is_clock_known else None

    def venue(self, _account):
        return self

    def venue_time(self, _account):
        return self._venue_time

    @staticmethod
    def freeze(order, *, mode, at):
        return codec.freeze(order, mode=mode, at=at)


class _Tables:
    """Nothing is under way; some have a stop that stands, and each account is set up as was said."""

    def __init__(self, people, pulled):
        made = {one.follower.account.id: one.made for one in people}
        stopped = {one.follower.subscription.id for one in people if one.has_stop}
        self.executions = SimpleNamespace(
            legs=lambda _signal, _who: set(),
            protections=lambda who, _symbol: [make_execution(id="stop", leg="stop_loss")] if who in stopped else [],
            move=lambda _before, after, **_: after,
        )
        self.followers = SimpleNamespace(
            preparations=lambda _accounts, _symbol: made, preparation=lambda account, _symbol: made[account]
        )
        self.breakers = SimpleNamespace(pulled=lambda: pulled)


def person(kind, difference):
    """Of that kind, and different in that."""
    said = {**kind, **difference}
    follows, account = ({**kind.get(name, {}), **difference.get(name, {})} for name in ("follows", "account"))
    account = make_account(**account)
    subscription = make_subscription(owner_id=f"owner of {account.id}", account_id=account.id, **follows)
    follower = make_follower(
        bot=BOT,
        subscription=subscription,
        account=account,
        position=said.get("position"),
        exposure=said.get("exposure"),
    )
    made, available_usd = said.get("made", MADE), said.get("available_usd")
    size = None if available_usd is None else Size(unit=SizeUnit.QUOTE, amount=available_usd)
    return SimpleNamespace(follower=follower, made=made, has_stop="has_stop" in said, size=size)


def decided(people, signal, market, sessions, pulled):
    deciding = Deciding(
        tables=_Tables(people, pulled),
        signal=signal,
        market=market,
        sessions=sessions,
        at=NOW,
        plans=Plans(market.quote),
        sizes={one.follower.account.id: one.size for one in people if one.size},
    )
    return deciding.executions([one.follower for one in people], signal.steps, [])


def without_identity(one):
    request = one.request and {**one.request, "newClientOrderId": ""}
    mine = {"id": "", "subscription_id": "", "account_id": "", "owner_id": "", "client_order_id": None}
    return replace(one, **mine, request=request, request_hash=None)


@pytest.mark.parametrize("is_spot", [False, True])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("steps", STEPS)
def test_everybody_gets_the_decision_that_they_would_have_got_alone(steps, source, is_spot):
    """Everyone is there twice: some are alike in everything, and for each thing there are two who differ by it alone."""
    people = [person(*one) for one in itertools.product(KINDS, DIFFERENCES) for _ in range(2)]
    reach = Reach(scope=BreakerScope.ACCOUNT, target=people[0].follower.account.id)
    pulled = Breaker(reach=reach, mode=BreakerMode.STOP_OPENS, set_by="admin", set_at=NOW)
    quoted, unquoted = Market(quote=make_quote()), Market(quote=None, problem="the venue is away")
    sessions = _Sessions(is_spot=is_spot, is_clock_known=True)
    worlds = [
        (None, quoted, sessions, []),
        (SIZE, quoted, sessions, []),
        (None, quoted, sessions, [pulled]),
        (None, unquoted, sessions, []),
        (None, quoted, _Sessions(is_spot=is_spot, is_clock_known=False), []),
    ]
    for size, *world in worlds:
        signal = make_signal(source=source, steps=steps, size=size)

        together = decided(people, signal, *world)

        alone = [one for someone in people for one in decided([someone], signal, *world)]
        assert [without_identity(one) for one in together] == [without_identity(one) for one in alone]
        who = [(one.subscription_id, one.account_id, one.owner_id) for one in together]
        assert who == [(one.subscription_id, one.account_id, one.owner_id) for one in alone]
        assert len({one.id for one in together}) == len(together) == len(people) * len(steps)
        for one in together:
            if one.request is not None:
                asked = "&".join(f"{name}={value}" for name, value in one.request.items())
                assert one.request_hash == hashlib.sha256(asked.encode()).hexdigest()
                assert one.client_order_id == client_order_id(one.id, 1) == one.request["newClientOrderId"]


def test_what_those_who_are_alike_share_is_planned_once():
    people = [person({}, {}) for _ in range(3)]
    signal, sessions = make_signal(steps=STEPS[0]), _Sessions(is_spot=False, is_clock_known=True)

    first, *others = decided(people, signal, Market(quote=make_quote()), sessions, [])

    assert first.state is State.SENDING, first.reason
    assert all(one.plan is first.plan for one in others)
