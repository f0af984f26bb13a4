"""How the terminal is, told to the hub: every minute, and as soon as it is otherwise."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog

from copydesk.client.terminals import LISTED_MAX, TerminalPosition, TerminalReport
from copydesk.domain.terminal import TerminalRole
from copydesk.ports.clock import Clock
from copydesk.terminal.codec import Look, Position
from copydesk.terminal.hub import Later

log = structlog.get_logger()

EVERY_S = 60.0
LOOK_EVERY_S = 1.0


class Status:
    """`read` gives the newest look, or None; `when` turns the server's milliseconds into UTC where that is known."""

    def __init__(
        self,
        role: TerminalRole,
        login: int,
        *,
        read: Callable[[], Look | None],
        when: Callable[[int], datetime | None],
        sent: Callable[[], Awaitable[int]],
        report: Callable[[TerminalReport], Awaitable[Later | None]],
        clock: Clock,
    ) -> None:
        self._role = role
        self._login = login
        self._server = ""
        self._read = read
        self._when = when
        self._sent = sent
        self._report = report
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled. A report that did not arrive is followed by the next."""
        told: Any = None
        told_at = float("-inf")
        while True:
            look = self._read()
            if _standing(look) != told or self._clock.elapsed() - told_at >= EVERY_S:
                told, told_at = _standing(look), self._clock.elapsed()
                if (trouble := await self._report(await self._written(look))) is not None:
                    log.warning("status not told", problem=trouble.reason)
            await self._clock.sleep(LOOK_EVERY_S)

    async def say_goodbye(self) -> None:
        """The program ends in order: nobody has to wait for its silence."""
        await self._report(self._away())

    async def _written(self, look: Look | None) -> TerminalReport:
        if look is None:
            return self._away()
        account = look.account
        self._server = account.server
        listed = tuple(self._listed(one) for one in look.positions[:LISTED_MAX])
        return TerminalReport(
            role=self._role,
            server=account.server,
            login=account.login,
            connected=True,
            balance=account.balance,
            equity=account.equity,
            currency=account.currency,
            leverage=account.leverage,
            margin=account.margin,
            margin_free=account.margin_free,
            margin_level=account.margin_level,
            open_positions=len(look.positions),
            trade_allowed=look.terminal.trade_allowed and account.trade_allowed,
            signals_sent=await self._sent(),
            positions=listed,
            signals=listed if self._role is TerminalRole.MASTER else (),
        )

    def _away(self) -> TerminalReport:
        return TerminalReport(role=self._role, login=self._login, server=self._server, connected=False)

    def _listed(self, position: Position) -> TerminalPosition:
        return TerminalPosition(
            ticket=position.ticket,
            symbol=position.symbol,
            type="BUY" if position.is_buy else "SELL",
            volume=position.volume,
            entry=position.price,
            sl=position.sl,
            tp=position.tp,
            time=self._when(position.opened_msc),
        )


def _standing(look: Look | None) -> Any:
    """What is told at once when it changes."""
    if look is None:
        return None
    allowed = look.terminal.trade_allowed and look.account.trade_allowed
    return look.account.login, look.account.server, allowed, len(look.positions)
