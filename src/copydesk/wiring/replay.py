"""Plan stored signals again with today's code; nothing is sent and nothing is stored."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from copydesk.domain.bot import Bot
from copydesk.domain.errors import NotFound
from copydesk.domain.execution import Execution
from copydesk.domain.guards import Exposure
from copydesk.domain.ids import BotId
from copydesk.domain.planning import Follower
from copydesk.domain.replaying import Replayed, replay
from copydesk.domain.signal import Signal
from copydesk.domain.venue import MT5
from copydesk.settings import Settings
from copydesk.stores.store import Tables
from copydesk.wiring.admin import open_store

BOTS_MAX = 500


class Replay(Struct, frozen=True, kw_only=True):
    """`left_out` counts, by reason, what planning had not decided."""

    signals: int
    same: int
    different: Sequence[Replayed]
    left_out: Mapping[str, int]


async def replay_signals(settings: Settings, bot_id: str | None, most: int, tell: Callable[[int, int], None]) -> Replay:
    """The last `most` signals of one bot, or of each. Raise NotFound."""
    async with open_store(settings) as store:
        bots = await store.read(lambda tables: _bots(tables, bot_id))
        found: list[Replayed] = []
        signals = 0
        for done, bot in enumerate(bots):
            tell(done, len(bots))
            pasts = await store.read(lambda tables, one=bot: tables.history.past_of_bot(one.id, most))  # type: ignore[misc]
            for past in pasts:
                signals += 1
                found += await store.read(lambda tables, one=bot, signal=past.signal: _replay(tables, one, signal))  # type: ignore[misc]
        tell(len(bots), len(bots))
    return Replay(
        signals=signals,
        same=sum(one.left_out is None and not one.differences for one in found),
        different=[one for one in found if one.differences],
        left_out=Counter(one.left_out for one in found if one.left_out is not None),
    )


def _bots(tables: Tables, bot_id: str | None) -> Sequence[Bot]:
    if bot_id is None:
        return tables.bots.list({}, seen_by=None, limit=BOTS_MAX, cursor=None)[0]
    bot = tables.bots.get(BotId(bot_id))
    if bot is None:
        raise NotFound(f"there is no bot {bot_id}")
    return [bot]


def _replay(tables: Tables, bot: Bot, signal: Signal) -> list[Replayed]:
    found: list[Replayed] = []
    for execution in tables.executions.of_signal(signal.id):
        who = _follower(tables, bot, execution)
        if who is not None:
            found.append(replay(execution, signal, who, is_terminal=who.account.venue == MT5))
    return found


def _follower(tables: Tables, bot: Bot, execution: Execution) -> Follower | None:
    account = tables.followers.account(execution.account_id)
    subscription = tables.followers.subscription(execution.subscription_id)
    if account is None or subscription is None:
        return None
    return Follower(bot=bot, subscription=subscription, account=account, position=None, exposure=Exposure())
