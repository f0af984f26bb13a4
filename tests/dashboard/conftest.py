"""A made-up hub behind httpx.MockTransport, and NiceGUI's simulated user in front of the pages."""

import asyncio
import contextlib
import json
import sys

import pytest
from dashboard_hub import FakeHub
from nicegui import ui
from nicegui.testing.user_simulation import user_simulation

from copydesk.dashboard.desk import People
from copydesk.dashboard.pages import add_pages
from copydesk.dashboard.table import Table

POLL_S = 0.05


@pytest.fixture
def role():
    """Whoever signs in; a test may parametrize it."""
    return "admin"


@pytest.fixture
def hub(role):
    return FakeHub(role)


@pytest.fixture
async def user(hub):
    # NiceGUI forgets the modules that define pages; the other tests' classes must stay the same ones.
    ours = {name: module for name, module in sys.modules.items() if name.startswith("copydesk")}
    people = People("http://hub", transport=hub.transport, poll_s=POLL_S)
    async with user_simulation() as simulated:
        add_pages(people)
        yield simulated
        await people.close()
    sys.modules.update(ours)


@pytest.fixture
def sign_in(user):
    async def enter(path, password=FakeHub.PASSWORD):
        await user.open(path)
        fields = sorted(user.find(kind=ui.input).elements, key=lambda field: field.id)
        for field, text in zip(fields, ("ada", password), strict=True):
            field.value = text
        user.find(ui.element).trigger("submit.prevent")

    return enter


@pytest.fixture
def press(user):
    """Click the newest button with exactly this text, as soon as it is there."""

    async def click(text):
        async with asyncio.timeout(5):
            while True:
                with contextlib.suppress(AssertionError):
                    found = user.find(kind=ui.button, content=text)
                    fits = [one for one in found.elements if one.text == text and one.enabled]
                    if fits:
                        break
                await asyncio.sleep(POLL_S)
        found.elements = {max(fits, key=lambda button: button.id)}
        found.click()

    return click


@pytest.fixture
def sent_to_grids(monkeypatch):
    """The row transactions that the page sends to the browser, by the names of their tables."""
    sent = {}

    def keep(table, change):
        sent.setdefault(table.grid.props["aria-label"], asyncio.Queue()).put_nowait(json.loads(change))

    monkeypatch.setattr(Table, "apply", keep)

    async def following(table):
        async with asyncio.timeout(5):
            return await sent.setdefault(table, asyncio.Queue()).get()

    return following
