"""Everything one process serves: the broker, its terminals, its faults, and how a program's call goes through them."""

from collections.abc import Mapping
from random import Random
from typing import Any

from copydesk.simulators.metatrader5.broker import trading
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.broker.words import Retcode
from copydesk.simulators.metatrader5.edge import trades
from copydesk.simulators.metatrader5.edge.calls import Calls
from copydesk.simulators.metatrader5.edge.clock import ServerClock, pause
from copydesk.simulators.metatrader5.edge.faults import Fault, Faults
from copydesk.simulators.metatrader5.edge.terminals import Terminal, TerminalError, Terminals
from copydesk.simulators.metatrader5.edge.wishes import Message


class Dropped(Exception):
    """The connection dies instead of an answer."""


class Desk:
    def __init__(self, venue: Venue, clock: ServerClock, *, seed: int) -> None:
        self.venue = venue
        self.clock = clock
        self.terminals = Terminals(venue)
        self.faults = Faults(Random(f"{seed}:faults"))  # noqa: S311  # chance on order

    def advance(self) -> None:
        trading.advance(self.venue, self.clock.now_ms())

    async def answer(self, message: Message) -> dict[str, Any]:
        """``{"answer": …}`` or ``{"error": [code, text]}``. Raises Dropped."""
        try:
            return {"answer": await self._answer(message.session, message.call, message.arguments)}
        except TerminalError as error:
            return {"error": [error.code, error.text]}

    async def _answer(self, session: str | None, call: str, arguments: Mapping[str, Any]) -> Any:
        terminal = None if call == "initialize" else self.terminals.of(session)
        login = arguments.get("login") if terminal is None else terminal.login
        struck = self.faults.hit(call, login)
        await _wait(struck.get("delay_before"))
        if "drop_before" in struck:
            raise Dropped
        if (none := struck.get("none")) is not None:
            raise TerminalError(*none.error)
        self.advance()
        answer = (
            self.terminals.connect(**arguments) if terminal is None else self._do(terminal, call, arguments, struck)
        )
        await _wait(struck.get("delay_after"))
        if "drop_after" in struck:
            raise Dropped
        return answer

    def _do(self, terminal: Terminal, call: str, arguments: Mapping[str, Any], struck: Mapping[str, Fault]) -> Any:
        if "late_not_found" in struck:
            return []
        if call != "order_send":
            return Calls(self.venue, self.terminals, terminal).answer(call, arguments)
        for fault in struck.values():
            if (code := fault.retcode) is not None:
                return trades.refusal(self.venue, terminal, arguments["request"], code)
        half = "partial" in struck
        answer = Calls(self.venue, self.terminals, terminal).answer(call, {**arguments, "half": half})
        if "unknown_executed" in struck:
            return trades.refusal(self.venue, terminal, arguments["request"], Retcode.TIMEOUT)
        return answer


async def _wait(fault: Fault | None) -> None:
    if fault is not None:
        await pause(fault.delay_s)
