"""A made-up hub behind httpx.MockTransport, and NiceGUI's simulated user in front of the pages."""

import asyncio
import sys

import pytest
from dashboard_hub import FakeHub
from nicegui import ui
from nicegui.testing.user_simulation import user_simulation

from copydesk.dashboard.desk import People
from copydesk.dashboard.pages import add_pages

POLL_S = 0.05


@pytest.fixture
def hub():
    return FakeHub()


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
        user.find("Username").type("ada")
        user.find("Password").type(password)
        user.find(ui.element).trigger("submit.prevent")

    return enter


@pytest.fixture
def sent_to_grid(monkeypatch):
    """The next row transaction that the page sends to the browser."""
    sent = asyncio.Queue()

    def keep(_, name, *arguments):
        if name == "applyTransaction":
            sent.put_nowait(arguments[0])

    monkeypatch.setattr(ui.aggrid, "run_grid_method", keep)

    async def following():
        async with asyncio.timeout(2):
            return await sent.get()

    return following
