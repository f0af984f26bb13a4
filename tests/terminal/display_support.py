"""A display that is only memory, and what can be seen on it."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

SIZE = "1280x960x24"
GREEN, RED = bytes.fromhex("3fbf7f"), bytes.fromhex("f2646b")


def why_no_window():
    if sys.platform != "linux" or shutil.which("Xvfb") is None:
        return "no Xvfb (apt-get install xvfb)"
    if find_spec("webview") is None or find_spec("PySide6") is None:
        return "the extra `desktop` is not installed (make desktop)"
    return None


class Display:
    def __init__(self, name, frame):
        self.name = name
        self._frame = frame

    def count(self, colour):
        """Pixels of exactly this colour, in the picture as X keeps it (X11/XWDFile.h)."""
        picture = self._frame.read_bytes()
        head = struct.unpack(">25I", picture[:100])
        start = head[0] + head[19] * 12  # the header, then twelve bytes a colour
        return picture[start:].count(colour[::-1] + b"\x00") + picture[start:].count(colour[::-1] + b"\xff")


@contextmanager
def virtual_display():
    """Skips where there can be none, and says why."""
    if (problem := why_no_window()) is not None:
        pytest.skip(problem)
    with tempfile.TemporaryDirectory() as folder:
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE, "-nolisten", "tcp", "-fbdir", folder]
        with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
            os.close(writing)
            with os.fdopen(reading) as told:
                number = told.readline().strip()
            try:
                yield Display(f":{number}", Path(folder) / "Xvfb_screen0")
            finally:
                server.terminate()
