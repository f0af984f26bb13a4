"""Subscriptions: an account follows a bot, with the follower's own values and limits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from msgspec.structs import asdict

from copydesk.client.desk import Page
from copydesk.client.models import (
    CopyChoices,
    EffectiveAnswer,
    NewSubscription,
    SubscriptionAnswer,
    SubscriptionChange,
)
from copydesk.domain.bot import Bot, BotStatus
from copydesk.domain.errors import Conflict, FieldError, InvalidInput, NotFound
from copydesk.domain.ids import AccountId, BotId, SubscriptionId, UserId, new_id
from copydesk.domain.subscription import (
    Account,
    CopyOptions,
    Subscription,
    SubscriptionStatus,
    effective_settings,
)
from copydesk.domain.user import Role, User
from copydesk.engine.waiting import take_back_waiting
from copydesk.stores.store import Tables
from copydesk.stores.subscriptions import Record
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.listing import IdFilter, PageOf, given
from copydesk.web.refusals import refuses

router = APIRouter(prefix="/api/v1/bot-subscriptions", tags=["subscriptions"])

_FOLLOWS_ALREADY = refuses(409, "this account already follows this bot")

_OVERRIDES = (
    "custom_leverage",
    "custom_margin_usd",
    "custom_stop_loss_pct",
    "custom_take_profit_pct",
    "max_daily_loss_usd",
    "max_concurrent_positions",
)


@router.post("", status_code=201, responses=_FOLLOWS_ALREADY, response_description="The subscription")
async def subscribe(wanted: NewSubscription, me: Me, hub: TheHub) -> SubscriptionAnswer:
    """The account is set up at its venue right away, for the symbols the bot has traded."""
    now = hub.clock.now()
    subscription = wanted_subscription(wanted, me, now)

    def work(tables: Tables) -> SubscriptionAnswer:
        refuse_impossible(hub, tables, subscription, me.id)
        if tables.subscriptions.of_account_and_bot(subscription.account_id, subscription.bot_id) is not None:
            raise Conflict("this account already follows this bot")
        tables.subscriptions.add(subscription)
        details = {"bot_id": subscription.bot_id, "account_id": subscription.account_id}
        tables.audit.add(actor=me.id, action="subscription.create", subject=subscription.id, details=details, at=now)
        return _answers(tables, [subscription], now)[0]

    answer = await hub.store.write(work)
    hub.desk.prepare(subscription.id)
    return answer


@router.get("", response_description="Subscriptions, newest first")
async def list_subscriptions(
    me: Me,
    hub: TheHub,
    paging: PageOf,
    bot_id: IdFilter = None,
    exchange_account_id: IdFilter = None,
    status: Annotated[SubscriptionStatus | None, Query()] = None,
) -> Page[SubscriptionAnswer]:
    """One's own subscriptions and what has come of them; an admin sees everybody's."""
    filters = given(bot_id=bot_id, account_id=exchange_account_id, status=status)
    owner = account_owner(me)

    def work(tables: Tables) -> Page[SubscriptionAnswer]:
        found, following = tables.subscriptions.list(filters, owner_id=owner, limit=paging.limit, cursor=paging.cursor)
        total = tables.subscriptions.count(filters, owner_id=owner) if paging.total else None
        return Page(items=_answers(tables, found, hub.clock.now()), next=following, total=total)

    return await hub.store.read(work)


@router.get("/{subscription_id}", response_description="The subscription and what has come of it")
async def get_subscription(subscription_id: str, me: Me, hub: TheHub) -> SubscriptionAnswer:
    """With what counts (`effective`) and what has come of it so far."""
    return await hub.store.read(
        lambda tables: _answers(tables, [_own(tables, subscription_id, me)], hub.clock.now())[0],
    )


@router.patch("/{subscription_id}", response_description="The subscription as it is now")
async def change_subscription(
    subscription_id: str, wanted: SubscriptionChange, me: Me, hub: TheHub
) -> SubscriptionAnswer:
    """Counts from the next signal on; null takes the bot's default again. What waits at a terminal is taken back where nothing is
    to be opened any more.
    """
    changes = wanted.told()
    if "copy_choices" in changes:
        changes["copy"] = asdict(_options(changes.pop("copy_choices")))
    now = hub.clock.now()

    def work(tables: Tables) -> SubscriptionAnswer:
        before = _own(tables, subscription_id, me)
        tables.subscriptions.change(before.id, changes, now)
        if changes.get("status", SubscriptionStatus.ACTIVE) != SubscriptionStatus.ACTIVE:
            take_back_waiting(tables, before.account_id, before.id, now)
        details = {"fields": sorted(changes)}
        tables.audit.add(actor=me.id, action="subscription.change", subject=before.id, details=details, at=now)
        return _answers(tables, [_own(tables, subscription_id, me)], now)[0]

    return await hub.store.write(work)


@router.delete("/{subscription_id}", status_code=204, response_description="Gone")
async def unsubscribe(subscription_id: str, me: Me, hub: TheHub) -> Response:
    """No signal reaches it any more; an open position keeps its stop and target, and is the follower's to close. An order that waits
    at a terminal is taken back.
    """
    now = hub.clock.now()

    def work(tables: Tables) -> None:
        gone = _own(tables, subscription_id, me)
        tables.subscriptions.change(gone.id, {"deleted_at": now, "status": SubscriptionStatus.PAUSED}, now)
        take_back_waiting(tables, gone.account_id, gone.id, now)
        tables.audit.add(actor=me.id, action="subscription.delete", subject=gone.id, details={}, at=now)

    await hub.store.write(work)
    return Response(status_code=204)


def wanted_subscription(wanted: NewSubscription, me: User, now: datetime) -> Subscription:
    """As it would be stored."""
    return Subscription(
        id=SubscriptionId(new_id(now)),
        owner_id=me.id,
        bot_id=BotId(wanted.bot_id),
        account_id=AccountId(wanted.exchange_account_id),
        status=wanted.status,
        copy=_options(wanted.copy_choices),
        created_at=now,
        updated_at=now,
        **{name: getattr(wanted, name) for name in _OVERRIDES},
    )


def refuse_impossible(hub: Hub, tables: Tables, wanted: Subscription, owner_id: UserId | None) -> tuple[Bot, Account]:
    """The bot and the account where one can follow the other; raise InvalidInput. `owner_id` None may use everybody's accounts."""
    bot = tables.bots.get(wanted.bot_id)
    account = tables.accounts.get(wanted.account_id, owner_id)
    if bot is not None and not (bot.status is BotStatus.ACTIVE or bot.owner_id == wanted.owner_id):
        bot = None
    problems = []
    if bot is None:
        problems.append(FieldError("bot_id", "no such bot"))
    if account is None:
        problems.append(FieldError("exchange_account_id", "no such account of yours"))
    if bot is not None and account is not None and bot.market_type not in hub.venue(account).traits.markets:
        problems.append(
            FieldError("exchange_account_id", f"a {bot.market_type} bot cannot be copied at {account.venue}")
        )
    if bot is None or account is None or problems:
        raise InvalidInput("; ".join(f"{one.field}: {one.problem}" for one in problems), tuple(problems))
    return bot, account


def account_owner(me: User) -> UserId | None:
    """Whose accounts and subscriptions somebody sees: their own, an admin everybody's."""
    return None if me.role is Role.ADMIN else me.id


def _own(tables: Tables, subscription_id: str, me: User) -> Subscription:
    found = tables.subscriptions.get(SubscriptionId(subscription_id), account_owner(me))
    if found is None:
        raise NotFound("no such subscription")
    return found


def _options(choices: CopyChoices) -> CopyOptions:
    return CopyOptions(
        margin_mode=choices.margin_mode,
        on_unprotected=choices.on_unprotected,
        on_daily_loss=choices.on_daily_loss,
    )


def _answers(tables: Tables, found: Sequence[Subscription], now: datetime) -> list[SubscriptionAnswer]:
    records = tables.subscriptions.records([one.id for one in found], now)
    bots: dict[BotId, Bot | None] = {}
    for one in found:
        if one.bot_id not in bots:
            bots[one.bot_id] = tables.bots.get(one.bot_id)
    return [_answer(one, bot, records[one.id], now) for one in found if (bot := bots[one.bot_id]) is not None]


def _answer(one: Subscription, bot: Bot, record: Record, now: datetime) -> SubscriptionAnswer:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return SubscriptionAnswer.model_validate(
        {
            **{
                name: getattr(one, name) for name in ("id", "bot_id", "status", "created_at", "updated_at", *_OVERRIDES)
            },
            "exchange_account_id": one.account_id,
            "copy": asdict(one.copy),
            "effective": EffectiveAnswer.model_validate(effective_settings(bot, one)),
            "total_signals_received": record.total_signals_received,
            "total_orders_executed": record.total_orders_executed,
            "total_orders_failed": record.total_orders_failed,
            "last_signal_at": record.last_signal_at,
            "current_daily_loss_usd": record.loss_today_usd,
            "daily_loss_resets_at": midnight,
            "current_positions": record.current_positions,
        },
    )
