"""What came of a backtest: its figures, the account's curve, and the way to its report."""

from decimal import Decimal

from nicegui import ui

from copydesk.client.backtests import BacktestAnswer, BacktestFigures, LaddersAnswer
from copydesk.dashboard.backtest_report import report_path
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import figures, heading, line, moment
from copydesk.dashboard.result_curve import ResultCurve
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.telling import tone_of

_NOTHING = "–"


def show_result(tab: Tab, one: BacktestAnswer) -> None:
    say = tab.say
    with line():
        heading(say("backtests.result", symbol=one.symbol), "h3")
        if one.first_at is not None and one.last_at is not None:
            moment(one.first_at).classes("small muted")
            ui.label("–").classes("small muted")
            moment(one.last_at).classes("small muted")
            ui.label(say("strategies.candles", count=one.candles_played or 0)).classes("small muted")
        if one.has_report:
            link = ui.link(say("backtests.report"), report_path(one.id), new_tab=True).classes("end")
            link.props["aria-label"] = say("backtests.report_opens")
    if one.figures is None:
        ui.label(say("backtests.failed", why=one.problem or "")).classes("down").props('role="alert"')
        return
    if one.candles_played is not None and one.candles_played < one.candles:
        ui.label(say("backtests.fewer", count=one.candles)).classes("small warn")
    if one.candles_missing:
        ui.label(say("backtests.missing", count=one.candles_missing)).classes("small warn")
    _tiles(say, one.figures)
    figures(_rest(say, one.figures, one.ladders))
    if one.curve:
        name = say("backtests.account")
        ResultCurve(tab, name=name, label=name, nothing="").show(
            [(point.at.isoformat(), float(point.account)) for point in one.curve]
        )


def _tiles(say: Speech, found: BacktestFigures) -> None:
    shown = (
        ("net", say.usd(found.net, signed=True), tone_of(found.net)),
        ("return", _pct(say, found.return_pct), tone_of(Decimal(str(found.return_pct)))),
        ("market", _pct(say, found.buy_and_hold_pct), ""),
        ("drawdown", _pct(say, found.max_drawdown_pct), ""),
        ("trades", say.number(found.trades), ""),
        ("win_rate", _pct(say, found.win_rate_pct), ""),
    )
    with ui.element("div").classes("tiles"):
        for key, value, tone in shown:
            with ui.element("div").classes("card tile"):
                ui.label(say(f"backtests.{key}")).classes("muted")
                ui.label(value).classes(f"value {tone}")


def _rest(say: Speech, found: BacktestFigures, ladders: LaddersAnswer | None) -> list[tuple[str, str]]:
    money = {name: getattr(found, name) for name in ("balance", "average_win", "average_loss", "best", "worst", "fees")}
    told = [(say(f"backtests.{name}_told"), _NOTHING if usd is None else say.usd(usd)) for name, usd in money.items()]
    told += [
        (say("backtests.profit_factor"), _ratio(say, found.profit_factor)),
        (say("backtests.sharpe"), _ratio(say, found.sharpe)),
        (say("backtests.losses_in_a_row"), say.number(found.losses_in_a_row)),
        (say("backtests.exposure"), _pct(say, found.exposure_pct)),
    ]
    if ladders is not None:
        won_lost = say("strategies.won_lost", won=ladders.won, lost=ladders.lost)
        told += [(say("backtests.ladders"), won_lost), (say("backtests.deepest"), say.number(ladders.deepest_level))]
    return told


def _pct(say: Speech, value: float | None) -> str:
    return _NOTHING if value is None else f"{_ratio(say, value)} %"


def _ratio(say: Speech, value: float | None) -> str:
    return _NOTHING if value is None else say.number(Decimal(str(round(value, 2))))
