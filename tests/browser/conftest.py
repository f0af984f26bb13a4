"""The running demo in a real Chromium: nothing on the console, nothing asked of anybody else, a picture of everything."""

import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from browser_desk import Desk, Window
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# A profile of its own for each run, and no calls home.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


# Nothing here outlives its module: while Playwright waits for a browser, no other test of this process could run a loop.
@pytest.fixture(scope="module")
def chromium():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium on this machine: on Debian, apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desk(chromium, tmp_path_factory):
    """`copydesk demo` on a fresh folder, with a few signals that were copied, skipped and closed again."""
    folder = tmp_path_factory.mktemp("demo")
    ports = ["--port", "0", "--dashboard-port", "0", "--simulator-port-base", "0"]
    command = [sys.executable, "-m", "copydesk", "demo", "--json", "--no-story", "--data-dir", str(folder), *ports]
    with (folder / "demo.log").open("w") as log, ExitStack() as stack:
        demo = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=folder, text=True))
        stack.callback(demo.terminate)
        line = demo.stdout.readline()
        assert line, (folder / "demo.log").read_text()
        running = Desk(json.loads(line), demo.pid)
        with httpx.Client(base_url=running.binance, timeout=20) as market:
            running.play(market)
        yield running


@pytest.fixture(scope="module")
def screenshots():
    folder = Path(__file__).resolve().parents[2] / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def windows(chromium, desk, screenshots):
    """Windows by who looks at them, in which language and how wide: whoever is signed in already stays so."""
    opened = {}

    def window(who, language="en-GB", width=1440):
        key = (who, language, width)
        if key not in opened:
            opened[key] = Window(chromium, desk, screenshots, who, language, width)
        return opened[key]

    yield window
    for one in opened.values():
        one.context.close()


@pytest.fixture
def window(windows):
    """One that says at the end of the test whether anything went wrong in it."""
    used = []

    def open_window(*who):
        found = windows(*who)
        found.troubles.clear()
        used.append(found)
        return found

    yield open_window
    for one in used:
        one.page.goto("about:blank")  # nobody looks at it until the next test: it need not follow the desk
    assert [trouble for one in used for trouble in one.troubles] == []
