"""Closing a window: what runs behind it goes on or stops, as the person at it says."""

from collections.abc import Callable

from copydesk.ports.clock import Clock

TICK_S = 0.25


class Leaving:
    """`hide` closes the window and nothing else, `stop` begins to end what runs, `finish` ends this program."""

    def __init__(
        self,
        *,
        is_live: Callable[[], bool],
        hide: Callable[[], None],
        stop: Callable[[], None],
        finish: Callable[[], None],
    ) -> None:
        self._is_live = is_live
        self._hide = hide
        self._stop = stop
        self._finish = finish
        self.is_asked = False
        self.is_stopping = False

    def ask(self) -> None:
        """The window wants to close. Where nothing runs there is no question; who closes it a second time has said: go on."""
        if not self._is_live():
            self._finish()
        elif self.is_asked:
            self.keep()
        else:
            self.is_asked = True

    def stay(self) -> None:
        self.is_asked = False

    def keep(self) -> None:
        self.is_asked = False
        self._hide()

    def stop(self) -> None:
        self.is_asked, self.is_stopping = False, True
        self._stop()

    async def run(self, clock: Clock) -> None:
        """Until cancelled. Once everything has stopped that was to stop, this program ends."""
        while True:
            if self.is_stopping and not self._is_live():
                self._finish()
            await clock.sleep(TICK_S)
