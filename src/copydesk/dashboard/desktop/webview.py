"""The window itself, by pywebview, in a process of its own: its main thread is the window's.

Parent and child speak in lines. The parent first says which page, as JSON (the page's address holds a key, so it comes here
and not on the command line), later `show` or `close`. The child says `shown`, `failed …` or `closing`: a window is closed by
its parent alone, which asks first whether what runs behind it shall go on.
"""

import json
import os
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, TextIO

BACKGROUND = "#14171f"
STDIN = 0
SIZE, SIZE_MIN = (1180, 840), (390, 560)


def run() -> None:
    # Not by sys.stdin: Python, when it ends, would wait for the thread that holds that.
    words = open(STDIN, encoding="utf-8", closefd=False)  # noqa: SIM115  for as long as the process lives
    wanted = json.loads(words.readline())
    if (problem := _why_not()) is not None:
        _tell(f"failed {problem}")
        return
    import webview  # noqa: PLC0415  an extra: it may not be there

    window: Any = webview.create_window(
        wanted["title"],
        wanted["url"],
        width=SIZE[0],
        height=SIZE[1],
        min_size=SIZE_MIN,
        background_color=BACKGROUND,
        text_select=True,
    )
    leaving = threading.Event()

    def closing() -> bool:
        """Answers whether it may close."""
        if not leaving.is_set():
            _tell("closing")
        return leaving.is_set()

    window.events.closing += closing
    window.events.loaded += lambda *_: _tell("shown")
    listener = threading.Thread(target=_listen, args=(words, window, leaving), daemon=True)
    # A choice of language or theme stays from one start to the next.
    webview.start(listener.start, private_mode=False, storage_path=wanted["storage"], gui=_toolkit())


def _listen(words: TextIO, window: Any, leaving: threading.Event) -> None:
    """Until the parent says that it is over, or is gone."""
    for word in words:
        if word.strip() == "show":
            window.restore()
            window.show()
        if word.strip() == "close":
            break
    leaving.set()
    window.destroy()


def _why_not() -> str | None:
    """Why no window can be shown, in words for the person who started it."""
    if find_spec("webview") is None or (sys.platform == "linux" and find_spec("PySide6") is None):
        return "the extra `desktop` is not installed (pip install 'copydesk[desktop]')"
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in displays):  # noqa: TID251  the window system's own
        return "there is no window system here"
    return None


def _toolkit() -> Any:
    """On Linux Qt by PySide6 (LGPL), whatever else is installed; elsewhere the system's own."""
    return "qt" if sys.platform == "linux" else None


def _tell(word: str) -> None:
    with suppress(OSError):
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()
