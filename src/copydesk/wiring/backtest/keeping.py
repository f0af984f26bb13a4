"""What backtests came to, kept in the data folder: a file of figures and a page each, for their owner's eyes, so many at most."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
from msgspec.structs import replace

from copydesk.web.backtesting import Backtest, BacktestState

log = structlog.get_logger()

FOLDER_ONLY_OWNER, FILE_ONLY_OWNER = 0o700, 0o600

_GONE = "the hub was stopped before it was through: ask for it again"


class Shelf:
    """One folder. Its files are small but for the pages, which stay on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def known(self) -> list[Backtest]:
        """Oldest first; what was under way when the hub ended has failed. What cannot be read is left where it is."""
        for stray in self._folder.glob("*.part"):
            stray.unlink(missing_ok=True)
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                one = msgspec.json.decode(path.read_bytes(), type=Backtest)
            except (OSError, msgspec.DecodeError) as error:
                log.warning("a backtest's file cannot be read", file=path.name, problem=str(error))
                continue
            is_over = one.state in {BacktestState.DONE, BacktestState.FAILED}
            found.append(one if is_over else replace(one, state=BacktestState.FAILED, problem=_GONE))
        return found

    def put(self, backtest: Backtest) -> None:
        """Whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_ONLY_OWNER)
        beside = self._folder / f"{backtest.id}.part"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_ONLY_OWNER)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(backtest))
        beside.replace(self._folder / f"{backtest.id}.json")

    def page(self, backtest_id: str) -> Path:
        """Where its page is, or will be."""
        return self._folder / f"{backtest_id}.html"

    def drop(self, backtest_ids: Iterable[str]) -> None:
        for one in backtest_ids:
            for path in (self._folder / f"{one}.json", self.page(one)):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
