"""Today's signals on the Overview: what they say is made once for all tabs, and the browser draws only the rows that changed."""

import json
from collections.abc import Sequence

from nicegui import ui

from copydesk.client.models import SignalAnswer
from copydesk.dashboard.desk import Names
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import empty, utc
from copydesk.dashboard.script import run_script
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.telling import action, sentence, shares
from copydesk.domain.user import Role

LISTED_MAX = 7


class SignalList:
    """Newest on top. A dozen elements of NiceGUI for each row and tab took half of the dashboard's time; this is one with text (`browser.js`)."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._nothing = _empty(tab)
        self._list = ui.element("signal-list").classes("rows")
        self._more = ui.link(tab.say("overview.all_signals"), "/signals").classes("small")
        self._more.set_visibility(False)
        self._shown = ""

    def show(self, today: Sequence[SignalAnswer], rows: str) -> None:
        """`rows` is what `signal_rows` makes of `today`."""
        self._nothing.set_visibility(not today)
        self._more.set_visibility(len(today) > LISTED_MAX)
        if rows != self._shown:
            self._shown = rows
            run_script(self._list.client, f'getHtmlElement({self._list.id})?.setAttribute("rows", {json.dumps(rows)})')


def signal_rows(say: Speech, today: Sequence[SignalAnswer], names: Names) -> str:
    """The newest of them, as JSON."""
    return json.dumps([_row(say, one, names.bot(one.bot_id)) for one in today[:LISTED_MAX]])


def _row(say: Speech, signal: SignalAnswer, bot: str) -> dict[str, object]:
    fared = signal.fared
    return {
        "id": signal.id,
        "way": f"/signals/{signal.id}",
        "action": action(say, signal),
        "bot": bot,
        "at": utc(signal.received_at),
        "shares": [] if fared is None else shares(fared),
        "fared": "" if fared is None else sentence(say, fared),
    }


def _empty(tab: Tab) -> ui.element:
    say = tab.say
    with empty(say("overview.no_signals"), icon="sensors") as nothing:
        provides = tab.role is not Role.FOLLOWER
        ui.link(say("overview.to_bots" if provides else "overview.to_follow"), "/bots")
    nothing.set_visibility(False)
    return nothing
