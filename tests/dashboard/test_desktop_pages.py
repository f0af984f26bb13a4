"""Windows of Master Sender, Client Copier and launcher as a person meets them, without a browser."""

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest
from desktop_support import COPIES, SENDER, FakeDesk, FakeProgram
from nicegui import ui
from nicegui.testing.user_simulation import user_simulation

from copydesk.client.api import ApiClient
from copydesk.dashboard.desktop.launcher_page import add_launcher_page
from copydesk.dashboard.desktop.leaving import Leaving
from copydesk.dashboard.desktop.terminal_page import add_terminal_pages
from copydesk.dashboard.desktop.terminal_window import ASK_HUB_POLLS, TerminalWindow
from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import Known, Phase
from copydesk.ports.clock import SystemClock

POLL_S = 0.05
KNOWN = Known(url="http://hub", username="ada", password=FakeDesk.PASSWORD)


class Left:
    """What was done about closing."""

    def __init__(self, program):
        self.done = []
        self.finished = asyncio.Event()
        self.leaving = Leaving(
            is_live=lambda: program.condition.phase is Phase.RUNNING,
            hide=lambda: self.done.append("hidden"),
            stop=program.stop,
            finish=self.finished.set,
        )


@pytest.fixture
def desk():
    return FakeDesk()


@pytest.fixture
def window(desk):
    """A page on a made-up worker: `async with window(role, known) as (user, worker, left)`."""

    @asynccontextmanager
    async def opened(role, known=KNOWN):
        ours = {name: module for name, module in sys.modules.items() if name.startswith("copydesk")}
        worker = FakeProgram(role)
        left = Left(worker)
        clock = SystemClock()
        shown = TerminalWindow(
            worker, known, clock=clock, connect=lambda url: ApiClient(url, transport=desk.transport), poll_s=POLL_S
        )
        async with user_simulation() as user, asyncio.TaskGroup() as tasks:
            add_terminal_pages(shown, left.leaving)
            running = [tasks.create_task(shown.run()), tasks.create_task(left.leaving.run(clock))]
            await user.open("/")
            yield user, worker, left
            for one in running:
                one.cancel()
        sys.modules.update(ours)

    return opened


async def test_a_master_signs_in_and_its_worker_gets_the_password_and_the_secret(window):
    async with window(TerminalRole.MASTER, Known(url="http://hub")) as (user, worker, _):
        await user.should_see("Sign in as a provider")
        user.find("Username").type("ada")
        user.find("Password").type("wrong")
        user.find(ui.element).trigger("submit.prevent")
        await user.should_see("Username or password is wrong.")
        assert worker.asked == []

        user.find("Password").clear().type(FakeDesk.PASSWORD)
        user.find("Signing secret of the bot (whsec_…)").type("whsec_abc")
        user.find(ui.element).trigger("submit.prevent")
        await user.should_see("Signals sent", retries=20)

    [(verb, access)] = worker.asked
    assert (verb, access.username, access.password) == ("start", "ada", FakeDesk.PASSWORD)
    assert (access.url, access.signing_secret) == ("http://hub", "whsec_abc")


async def test_a_hub_that_is_away_starts_nothing_and_says_so(window, desk):
    desk.away = True
    async with window(TerminalRole.COPIER, Known(url="http://hub", username="ada")) as (user, worker, _):
        user.find("Password").type(FakeDesk.PASSWORD)
        user.find(ui.element).trigger("submit.prevent")
        await user.should_see("The hub is away. Try again in a moment.", retries=20)
    assert worker.asked == []


async def test_with_a_known_password_the_worker_starts_by_itself_though_the_hub_is_away(window, desk):
    desk.away = True
    async with window(TerminalRole.MASTER) as (user, worker, _):
        await user.should_see("Hub is away", retries=20)
    assert [one[0] for one in worker.asked] == ["start"]


async def test_a_known_password_that_the_hub_refuses_is_tried_once_for_the_hub_counts_tries(window, desk):
    async with window(TerminalRole.MASTER, Known(url="http://hub", username="ada", password="old")) as (
        user,
        worker,
        _,
    ):
        worker.become(Phase.ENDED, why="the hub does not let ada in", code=3)
        await user.should_see("the hub does not let ada in", retries=20)
        await asyncio.sleep(2 * ASK_HUB_POLLS * POLL_S)
        user.find("Sign out").click()
        await user.should_see("Sign in as a provider", retries=20)
    assert desk.tries == ["old"]


async def test_the_card_is_green_with_figures_and_turns_red_with_the_reason(window):
    async with window(TerminalRole.MASTER) as (user, worker, _):
        await user.should_see("The program signs in at the desk and looks for the terminal.", retries=20)
        worker.sees(SENDER)
        await user.should_see("Connected", retries=20)
        for text in ("Copydesk-Demo", "10,000.50 USD", "9,999.40 USD", "1:100", "9,216.9 %"):
            await user.should_see(text)
        await user.should_see("Gold")

        worker.sees(SENDER, trouble="no terminal at C:\\x: IPC timeout (-10005)")
        await user.should_see("Not connected", retries=20)
        await user.should_see("IPC timeout (-10005)")
        await user.should_see("Figures as they were last seen.")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"looked_s": 4.2}, "The terminal has not answered for 4 s."),
        ({"looked_s": None}, "The terminal has not been read yet."),
    ],
)
async def test_a_terminal_that_hangs_is_red_though_nobody_said_so(window, how, words):
    async with window(TerminalRole.MASTER) as (user, worker, _):
        await user.should_see("Signals sent", retries=20)
        worker.sees(SENDER, **how)
        await user.should_see(words, retries=20)


async def test_a_worker_that_hangs_or_died_is_red_and_says_why_it_died(window):
    async with window(TerminalRole.MASTER) as (user, worker, _):
        worker.sees(SENDER)
        await user.should_see("Connected", retries=20)
        worker.heard_s = 6.0
        await user.should_see("The program has said nothing for 6 s.", retries=20)
        worker.become(Phase.WAITING, why="ValueError: a bad thing", code=1, restarts=2, again_s=4.0)
        await user.should_see("Died, starts again in 4 s", retries=20)
        await user.should_see("ValueError: a bad thing")
        await user.should_see("Why it ended (code 1)")
        await user.should_see("started again 2 times")


async def test_a_master_sees_its_plan_its_clients_and_its_open_signals(window, sent_to_grids):
    async with window(TerminalRole.MASTER) as (user, worker, _):
        worker.sees(SENDER)
        await user.should_see("gold plan", retries=20)
        await user.should_see("Active clients")
        await user.should_see("3")
        await user.should_see("signed in as ada")
        added = [(await sent_to_grids(name))["add"] for name in ("Open signals", "Positions")]
    assert [[row["ticket"] for row in rows] for rows in added] == [["500000005"], ["500000005"]]


async def test_a_copier_sees_which_ticket_copies_which_and_refusals_with_numbers(window, sent_to_grids):
    async with window(TerminalRole.COPIER) as (user, worker, _):
        worker.sees(COPIES)
        await user.should_see("What copies what", retries=20)
        mapping, refused = await sent_to_grids("What copies what"), await sent_to_grids("Not copied, and why")

    assert [(row["master_ticket"], row["own_ticket"], row["lots"]) for row in mapping["add"]] == [
        ("500000005", "700000001", "0.04")
    ]
    assert [(row["what"], row["reason"]) for row in refused["add"]] == [
        ("OPEN GBPUSD BUY 0.1", "spread: the spread is 90 points, at most 20 is allowed")
    ]


async def test_settings_come_from_the_hub_and_a_change_shows_its_answer(window, desk):
    async with window(TerminalRole.COPIER) as (user, _, _):
        await user.should_see("Lots in all at most", retries=20)
        user.find("Spread at most, points").type("25")
        user.find("Lots in all at most").clear()
        user.find(ui.element).trigger("submit.prevent")
        await user.should_see("Saved: the desk holds these settings now.", retries=20)

    assert desk.changes[-1]["max_spread_points"] == 25
    assert desk.changes[-1]["max_exposure_lots"] is None
    assert desk.changes[-1]["fixed_lot"] == "0.01"


async def test_closing_asks_and_keeps_running_or_stops_as_the_person_says(window):
    async with window(TerminalRole.MASTER) as (user, worker, left):
        await user.should_see("Signals sent", retries=20)
        left.leaving.ask()
        await user.should_see("Keep it running?", retries=20)
        user.find("Keep running").click()
        await asyncio.sleep(POLL_S)
        assert left.done == ["hidden"]
        assert worker.condition.phase is Phase.RUNNING

        left.leaving.ask()
        await user.should_see("Stop and close", retries=20)
        user.find("Stop and close").click()
        await asyncio.wait_for(left.finished.wait(), 5)
    assert worker.asked[-1] == ("stop",)


def test_closing_asks_nothing_where_nothing_runs_and_a_second_time_means_keep():
    worker = FakeProgram()
    idle, busy = Left(worker), Left(worker)

    idle.leaving.ask()
    worker.become(Phase.RUNNING)
    busy.leaving.ask()
    busy.leaving.ask()

    assert idle.finished.is_set()
    assert busy.done == ["hidden"]


async def test_signing_out_ends_the_worker_and_leads_back_to_the_door(window):
    async with window(TerminalRole.COPIER) as (user, worker, _):
        await user.should_see("What copies what", retries=20)
        user.find("Sign out").click()
        await user.should_see("Sign in as a follower", retries=20)
    assert worker.asked[-1] == ("stop",)


async def test_the_window_speaks_portuguese_to_whoever_reads_it(window):
    async with window(TerminalRole.MASTER) as (user, worker, _):
        user.http_client.cookies.set("copydesk_language", "pt-BR")
        await user.open("/")
        worker.sees(SENDER)
        await user.should_see("Conectado", retries=20)
        await user.should_see("10.000,50 USD")


async def test_the_launcher_starts_stops_opens_and_says_why_one_died():
    ours = {name: module for name, module in sys.modules.items() if name.startswith("copydesk")}
    programs = {
        "master": FakeProgram(),
        "copier": FakeProgram(url="http://127.0.0.1:1/?key=k"),
        "server": FakeProgram(),
    }
    async with user_simulation() as user:
        add_launcher_page(programs, Left(programs["server"]).leaving, poll_s=POLL_S)
        await user.open("/")
        for name in ("Master Sender", "Client Copier", "Server"):
            await user.should_see(name)
        user.find(marker="start-server").click()
        await user.should_see("Running", retries=20)
        programs["copier"].become(Phase.RUNNING)
        await asyncio.sleep(4 * POLL_S)
        user.find(marker="open-copier").click()
        await user.should_see("Its page: http://127.0.0.1:1/?key=k", retries=20)
        user.find(marker="stop-copier").click()
        programs["server"].become(Phase.ENDED, why="address already in use", code=1)
        await user.should_see("address already in use", retries=20)
    sys.modules.update(ours)

    assert programs["server"].asked == [("start",)]
    assert programs["copier"].asked == [("open",), ("stop",)]
