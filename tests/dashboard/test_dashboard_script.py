"""What keeps twenty open pages cheap: one moment for all tabs, one message for what a look found, one answer for who asks."""

import asyncio
import contextlib

import pytest

from copydesk.dashboard.desk import People
from copydesk.dashboard.page import until_next_s
from copydesk.dashboard.script import run_script, together
from copydesk.dashboard.table import Rows


class Browser:
    """A client's outbox, which keeps the code of each message."""

    def __init__(self):
        self.id = "tab"
        self.outbox = self
        self.codes = []

    def enqueue_message(self, kind, data, target):
        assert (kind, target) == ("run_javascript", self.id)
        self.codes.append(data["code"])

    def run_javascript(self, code):
        self.codes.append(code)


def test_what_is_run_together_is_one_message_in_its_order_and_survives_a_failure_before_it():
    browser = Browser()

    with together(browser):
        run_script(browser, "first()")
        run_script(browser, "second()")
        assert browser.codes == []
    run_script(browser, "third()")

    gathered, alone = browser.codes
    assert [line.split("catch")[0] for line in gathered.splitlines()] == ["try { first() } ", "try { second() } "]
    assert alone == "third()"


def test_nothing_to_run_is_no_message():
    browser = Browser()

    with together(browser):
        pass

    assert browser.codes == []


def test_what_was_gathered_before_a_failure_is_still_sent():
    browser = Browser()

    with contextlib.suppress(RuntimeError), together(browser):
        run_script(browser, "first()")
        raise RuntimeError

    assert len(browser.codes) == 1


@pytest.mark.parametrize(
    ("now_s", "left_s"),
    [(10.0, 2.0), (10.5, 1.5), (11.8, 0.2), (11.99, 2.01)],
    ids=["on the beat", "between", "shortly before", "a sleep that ended early"],
)
def test_all_tabs_look_at_the_same_moment_and_once(now_s, left_s):
    assert until_next_s(now_s, 2.0) == pytest.approx(left_s)


def test_the_same_change_is_written_down_once_for_all_tabs_and_anew_for_a_tab_that_shows_something_else():
    first, second = Rows([{"id": "1"}]), Rows([{"id": "1"}, {"id": "2"}])
    first.after(())

    change = second.after(first)

    assert second.after(first) is change
    assert change == '{"add":[{"id":"2"}]}'
    assert second.after(Rows([{"id": "2"}])) == '{"add":[{"id":"1"}]}'
    assert second.after(second) == ""


async def test_one_question_tells_all_open_tabs_how_the_hub_is_and_none_is_asked_where_nobody_looks(hub):
    people, heard = People("http://hub", transport=hub.transport), []
    await people.look_after_hub()
    asked_by_nobody = len(hub.asked)

    stops = [people.tell(lambda problem, tab=tab: heard.append((tab, problem))) for tab in range(2)]
    await people.look_after_hub()
    hub.away = True
    await asyncio.sleep(0.31)
    await people.look_after_hub()
    for stop in stops:
        stop()
    await people.look_after_hub()
    await people.close()

    assert asked_by_nobody == 0
    assert len(hub.asked) == 2
    assert sorted((tab, problem and problem.kind) for tab, problem in heard[:2]) == [(0, None), (1, None)]
    assert sorted((tab, problem.kind) for tab, problem in heard[2:]) == [(0, "silent"), (1, "silent")]


async def test_a_hub_that_was_well_and_has_just_answered_somebody_is_not_asked_how_it_is(hub):
    people, heard = People("http://hub", transport=hub.transport), []
    await people.sign_in("browser", "ada", hub.PASSWORD)
    people.tell(heard.append)
    person = people.find("browser")

    await person.ask(lambda api: api.bots())
    await people.look_after_hub()
    await people.look_after_hub()
    asked_while_it_answers = hub.wishes("GET", "/api/v1/bots/health")
    await asyncio.sleep(0.31)
    hub.away = True
    await people.look_after_hub()
    await people.close()

    assert len(asked_while_it_answers) == 1
    assert [problem and problem.kind for problem in heard] == [None, None, "silent"]
