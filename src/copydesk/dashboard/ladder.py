"""A Martingale ladder on the page: how far it has come, and what it costs when it is lost."""

from nicegui import ui

from copydesk.client.strategies import BotPositionAnswer, RuinCardAnswer
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import card, figures, line
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
