"""What must be known or done before followers are planned: the market, their balances, their accounts' set-up."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import structlog

from copydesk.domain.errors import CredentialsRefused, VenueError
from copydesk.domain.ids import AccountId
from copydesk.domain.planning import Follower, amount_of, counts_for
from copydesk.domain.signal import LegKind, Signal, Size, SizeUnit
from copydesk.domain.subscription import Account, Environment, KeyCheck
from copydesk.engine.deciding import Market
from copydesk.engine.preflight import refuse_permissions
from copydesk.engine.sessions import Sessions
from copydesk.ports.clock import Clock
from copydesk.ports.store import Preparation, Store
from copydesk.ports.venue import Session

log = structlog.get_logger()

QUOTE_TIMEOUT_S = 3.0
"""A venue that does not tell its price by then opens nothing: the next signal is waiting."""


SET_UPS_AT_ONCE = 40
"""Orders share the connections with set-ups, and must not wait behind hundreds of them."""


def asks_balances(signal: Signal) -> bool:
    """Whether it opens with a percentage of each account's balance."""
    in_percent = signal.size is not None and signal.size.unit is SizeUnit.PERCENT
    return in_percent and any(step.leg is LegKind.OPEN for step in signal.steps)


class Readiness:
    """Asks venues and sets accounts up; a failure is one follower's, or one venue's, and comes back as its reason."""

    def __init__(self, store: Store, sessions: Sessions, clock: Clock) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._setting_up = asyncio.Semaphore(SET_UPS_AT_ONCE)

    async def market(self, account: Account, symbol: str) -> Market:
        try:
            async with asyncio.timeout(QUOTE_TIMEOUT_S):
                await self._sessions.sync_clock(account)
                # A terminal's prices and steps are known beside it alone.
                if self._sessions.venue(account).traits.is_terminal:
                    return Market(quote=None)
                quote = await self._sessions.quote(account, symbol)
        except VenueError as error:
            return Market(quote=None, problem=error.text)
        except TimeoutError:
            return Market(quote=None, problem="the venue did not answer in time")
        except Exception as error:  # the boundary of one venue: its followers get a reason, the others their orders
            log.exception("market data broke", venue=account.venue)
            return Market(quote=None, problem=f"its data could not be read: {type(error).__name__}")
        return Market(quote=quote, problem=None if quote else f"{symbol} is not traded at the account's venue")

    async def sizes(self, signal: Signal, group: Sequence[Follower]) -> Mapping[AccountId, Size]:
        """What a percentage of the balance is for each account that it counts for; one that does not tell has none."""
        size = signal.size
        if size is None or not asks_balances(signal):
            return {}
        asked = [one.account for one in group if counts_for(one)]
        balances = await asyncio.gather(*(self._available(account) for account in asked))
        return {
            account.id: amount_of(size, available)
            for account, available in zip(asked, balances, strict=True)
            if available is not None
        }

    async def _available(self, account: Account) -> Decimal | None:
        try:
            async with asyncio.timeout(QUOTE_TIMEOUT_S):
                return (await (await self._sessions.of(account)).balance()).available_usd
        except (VenueError, TimeoutError) as error:
            log.warning("balance not read", account_id=account.id, problem=str(error))
        except Exception:  # the boundary of one follower: the others' orders do not wait for it
            log.exception("reading a balance broke", account_id=account.id)
        return None

    async def prepare(self, follower: Follower, symbols: Sequence[str]) -> None:
        """Set an account up ahead of the first signal, for the symbols its bot has traded."""
        for symbol in symbols:
            problem = await self.set_up(follower, symbol)
            if problem is not None:
                log.warning("account not set up", account_id=follower.account.id, symbol=symbol, problem=problem)

    async def set_up(self, follower: Follower, symbol: str) -> str | None:
        """Leverage, margin mode and position mode, set and verified at the venue; what went wrong, or None."""
        leverage, margin_mode = follower.settings.leverage, follower.subscription.copy.margin_mode
        try:
            session = await self._sessions.of(follower.account)
            async with self._setting_up:
                await self._check_key(follower.account, session)
                mode = await session.prepare(symbol, leverage=leverage, margin_mode=margin_mode)
        except CredentialsRefused as error:
            await self.refuse_key(follower.account.id, error)
            return error.text
        except VenueError as error:
            return error.text
        except Exception as error:  # the boundary of one follower: whatever breaks, breaks for them alone
            log.exception("account set-up broke", account_id=follower.account.id)
            return type(error).__name__
        made = Preparation(leverage=leverage, margin_mode=margin_mode, position_mode=mode)
        now = self._clock.now()
        await self._store.write(
            lambda tables: tables.followers.save_preparation(follower.account.id, symbol, made, now),
        )
        return None

    async def refuse_key(self, account_id: AccountId, error: CredentialsRefused) -> None:
        """The key does not work: nothing more is sent with it until its owner changes it."""
        log.warning("key refused", account_id=account_id, problem=error.text)
        now = self._clock.now()
        await self._store.write(lambda tables: tables.followers.refuse_key(account_id, error.text, now))

    async def _check_key(self, account: Account, session: Session) -> None:
        """A key that could not be asked about when it was added is asked about before its first order."""
        if account.key_check is not KeyCheck.UNCHECKED or account.environment is Environment.DEMO:
            return
        refuse_permissions(await session.permissions())
