"""A Martingale ladder on the page: how far it has come, and what it costs when it is lost."""

from nicegui import ui

from copydesk.client.strategies import BotPositionAnswer, RuinCardAnswer
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import card, figures, heading, line
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.table import Column, Kind, Row, Table

LEVEL_WARNS = 7
"""From here on a ladder has cost so much that a person should look."""


def show_level(say: Speech, held: BotPositionAnswer, last: int) -> None:
    """`last` is the ladder's last level."""
    told = say("strategies.level_of", level=held.current_level, last=last)
    warns = held.current_level >= LEVEL_WARNS
    with line():
        ui.label(told).classes("strong")
        if warns:
            ui.label(say("strategies.level_warns")).classes("warn").props('role="status"')
    bar = ui.element("div").classes("bar thick level").props('role="meter" aria-valuemin="0"')
    bar.props["aria-label"] = told
    bar.props["aria-valuenow"], bar.props["aria-valuemax"] = held.current_level, last
    with bar:
        for level in range(1, last + 1):
            tone = "warn" if level >= LEVEL_WARNS else "accent"
            ui.element("i").classes(f"{tone} reached" if level <= held.current_level else tone)


def show_ruin(tab: Tab, found: RuinCardAnswer) -> None:
    say = tab.say
    with card():
        columns = (
            Column(field="level", title=say("strategies.level"), kind=Kind.NUMBER, width=84),
            _usd("stake", say("strategies.stake")),
            _usd("lost", say("strategies.if_lost")),
            _usd("left", say("strategies.left"), wide_only=True),
            _usd("won", say("strategies.if_won")),
            Column(
                field="chance", title=say("strategies.chance"), unit="%", kind=Kind.NUMBER, width=140, wide_only=True
            ),
            Column(field="limits", title=say("strategies.limits"), width=140, grows=True, wide_only=True),
        )
        rows = len(found.levels)
        table = Table(tab, columns, title=say("strategies.ruin"), empty=lambda: None, rows_shown=rows)
        table.show([_level(say, number, found) for number in range(rows)])
        _comes_to(say, found)


async def ask_with_ruin(tab: Tab, found: RuinCardAnswer) -> bool:
    """Whether it shall start, with what it costs before one's eyes."""
    say = tab.say
    with ui.dialog() as dialog, ui.card().classes("ask broad"):
        heading(say("strategies.ruin"))
        _plain_levels(say, found)
        _comes_to(say, found)
        with line("end"):
            ui.button(say("frame.cancel"), on_click=lambda: dialog.submit(False)).props("flat no-caps")
            start = ui.button(say("strategies.start_ladder"), on_click=lambda: dialog.submit(True))
            start.props("no-caps unelevated")
    answer = await dialog
    dialog.delete()
    return bool(answer)


def _plain_levels(say: Speech, found: RuinCardAnswer) -> None:
    """A grid needs a place that is there already; in a dialog that only opens it would stay without its rows."""
    rows = [[say(f"strategies.{key}") for key in ("level", "stake", "if_lost", "if_won", "chance")]]
    rows[0][-1] += ", %"
    for one in found.levels:
        money = (one.stake, -one.lost_so_far, one.net_if_won)
        rows.append([say.number(one.level), *(say.usd(usd).removesuffix(" USD") for usd in money)])
        rows[-1].append(say.number(round(one.chance_pct, 4)))
    with ui.element("div").classes("scrolls"), ui.element("table").classes("plain"):
        for number, row in enumerate(rows):
            with ui.element("tr"):
                for cell in row:
                    with ui.element("td" if number else "th"):
                        ui.label(cell)


def _comes_to(say: Speech, found: RuinCardAnswer) -> None:
    if not found.funded:
        ui.label(say("strategies.not_funded")).classes("down")
    figures(_sums(say, found))
    ui.label(say("strategies.ruin_note")).classes("small muted")


def _usd(field: str, title: str, *, wide_only: bool = False) -> Column:
    tone = "tone" if field == "won" else ""
    return Column(
        field=field, title=title, unit="USD", kind=Kind.NUMBER, width=130, digits=2, wide_only=wide_only, tone=tone
    )


def _level(say: Speech, number: int, found: RuinCardAnswer) -> Row:
    one = found.levels[number]
    return {
        "id": str(one.level),
        "level": one.level,
        "stake": str(one.stake),
        "lost": str(-one.lost_so_far),
        "left": str(one.balance_left),
        "won": str(one.net_if_won),
        "tone": "down" if one.net_if_won < 0 else "up",
        "chance": str(round(one.chance_pct, 4)),
        "limits": ", ".join(say.word("ladder_limits", limit.replace(" ", "_")) for limit in one.limits),
    }


def _sums(say: Speech, found: RuinCardAnswer) -> list[tuple[str, str]]:
    told = [
        (say("strategies.balance"), say.usd(found.balance)),
        (say("strategies.last_level"), say.number(found.last_level)),
        (say("strategies.loss_at_end"), say.usd(-found.loss_at_the_end)),
        (say("strategies.chance_of_end"), f"{say.number(round(found.chance_of_the_end_pct, 4))} %"),
        (say("strategies.expected"), say.usd(found.expected_result, signed=True)),
    ]
    if found.ladders_to_even_odds is not None:
        told.append((say("strategies.even_odds"), say("strategies.ladders", count=found.ladders_to_even_odds)))
    return told
