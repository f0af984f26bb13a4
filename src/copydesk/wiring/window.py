"""The window as a child of the program whose page it shows; where there can be none, the page's address for a browser."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from copydesk.wiring.supervisor import own_command

SHOWN_WITHIN_S = 60.0
"""A cold machine loads a whole browser."""

CLOSED_WITHIN_S = 5.0


class Window:
    """At most one. `page` gives an address that is good for one look; `on_closing` hears that a person wants it closed."""

    def __init__(self, title: str, *, storage: Path, page: Callable[[], str]) -> None:
        self._title = title
        self._storage = storage
        self._page = page
        self.on_closing: Callable[[], None] = self.close
        self._wishes: asyncio.Queue[asyncio.Future[str | None]] = asyncio.Queue()
        self._process: asyncio.subprocess.Process | None = None

    async def open(self) -> str | None:
        """Show it, or bring it to the front; why there is none, in words."""
        if self._process is not None:
            self._say("show")
            return None
        shown: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        await self._wishes.put(shown)
        return await shown

    def close(self) -> None:
        """Without another question."""
        self._say("close")

    async def run(self) -> None:
        """Until cancelled; then the window is closed."""
        while True:
            shown = await self._wishes.get()
            if self._process is not None:
                shown.set_result(None)
                continue
            await self._live(shown)

    async def _live(self, shown: "asyncio.Future[str | None]") -> None:
        program, *arguments = own_command("window")
        pipe, log = asyncio.subprocess.PIPE, self._storage.with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(program, *arguments, stdin=pipe, stdout=pipe, stderr=errors)
        self._process = process
        try:
            wanted = {"title": self._title, "url": self._page(), "storage": str(self._storage)}
            self._say(json.dumps(wanted))
            await self._listen(process, shown)
        finally:
            self._process = None
            if not shown.done():
                shown.set_result(f"the window's program showed nothing (its log: {log})")
            await _end(process)

    async def _listen(self, process: asyncio.subprocess.Process, shown: "asyncio.Future[str | None]") -> None:
        if process.stdout is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(SHOWN_WITHIN_S) as waiting:
                async for raw in process.stdout:
                    word, _, problem = raw.decode("utf-8", "replace").strip().partition(" ")
                    if word == "closing":
                        self.on_closing()
                    elif word in {"shown", "failed"} and not shown.done():
                        shown.set_result(problem or None)
                        waiting.reschedule(None)

    def _say(self, word: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(f"{word}\n".encode())


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(CLOSED_WITHIN_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
