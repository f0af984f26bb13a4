"""A backtest as one page: the account, its drawdown, trades on candles. Everything is inside; it asks nothing of any network."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from copydesk.engine.backtest.figures import drawdown_of
from copydesk.engine.backtest.terms import ClosedTrade
from copydesk.wiring.backtest.charts import echarts_script
from copydesk.wiring.backtest.play import Found, Sweep
from copydesk.wiring.backtest.told import assumptions, card_rows, card_sentences, figures_told, money, pct, price

BARS_MAX = 6_000
"""More candles than this are drawn several to a bar: the page stays quick."""

TRADES_MAX = 2_000

_RISING = {"LONG", "CALL"}
_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def render(found: Found) -> str:
    """A whole HTML page."""
    title = f"copydesk backtest {found.strategy}"
    data = json.dumps(chart_data(found), separators=(",", ":")).replace("</", "<\\/")
    scripts = f"<script>{echarts_script()}</script><script>const data={data};{_text('page.js')}</script>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{escape(title)}</title>'
        f"<style>{_text('page.css')}</style><main><h1>{escape(title)}</h1><p>{escape(_facts(found))}</p>"
        f"{_cards(found)}{_card(found)}{_heat(found.sweep)}"
        f'<section><h2>Trades on candles, the account, its drawdown</h2><div id="market"></div></section>'
        f"{_trades(found.played.trades)}{_assumed(found)}</main>{scripts}</html>"
    )


def chart_data(found: Found) -> dict[str, Any]:
    """What `page.js` draws: bars of one or more candles, trades by the bars that they begin and end in."""
    width = -(-len(found.tape.candles) // BARS_MAX)
    groups = [found.tape.candles[at : at + width] for at in range(0, len(found.tape.candles), width)]
    fallen = drawdown_of(found.curve)
    return {
        "times": [_time(group[0].start_ms) for group in groups],
        "candles": [
            [
                float(group[0].open),
                float(group[-1].close),
                float(min(one.low for one in group)),
                float(max(one.high for one in group)),
            ]
            for group in groups
        ],
        "account": [
            round(float(found.curve[min(at + width, len(found.curve)) - 1]), 2)
            for at in range(0, len(found.curve), width)
        ],
        "drawdown": [round(float(fallen[at : at + width].max()), 3) for at in range(0, len(fallen), width)],
        "trades": [_trade(one, width) for one in found.played.trades[:TRADES_MAX]],
        "heat": None if found.sweep is None else _heat_data(found.sweep),
    }


def _trade(trade: ClosedTrade, width: int) -> dict[str, Any]:
    return {
        "side": trade.side,
        "rising": trade.side in _RISING,
        "from": trade.opened_index // width,
        "to": trade.closed_index // width,
        "entry": float(trade.entry_price),
        "exit": float(trade.exit_price),
        "opened": _time(trade.opened_ms),
        "closed": _time(trade.closed_ms),
        "won": trade.net > 0,
        "net": round(float(trade.net), 2),
        "why": trade.exit,
        "reason": trade.reason,
    }


def _heat_data(swept: Sweep) -> dict[str, Any] | None:
    """Two axes: the last two of the sweep, others at their best value. One axis is a single line."""
    names = list(swept.axes)
    x, y = names[-1], names[-2] if len(names) > 1 else ""
    xs, ys = list(swept.axes[x]), list(swept.axes[y]) if y else [""]
    rest = {name: swept.best.values[name] for name in names[:-2]}
    cells = [
        [xs.index(cell.values[x]), ys.index(cell.values[y]) if y else 0, cell.return_pct, cell.trades]
        for cell in swept.cells
        if cell.return_pct is not None and all(cell.values[name] == value for name, value in rest.items())
    ]
    return {"x": x, "y": y, "xs": xs, "ys": ys, "cells": cells}


def _facts(found: Found) -> str:
    file = found.file
    settings = ", ".join(f"{name} {value}" for name, value in found.settings.items())
    return (
        f"{Path(file.path).name}: {len(file.candles):,} candles of {file.interval_ms // 1_000} s, "
        f"{_time(file.candles[0].start_ms)} to {_time(file.candles[-1].start_ms)} UTC, {len(file.gaps)} gaps · {settings}"
    )


def _cards(found: Found) -> str:
    cards = "".join(
        f'<div>{escape(name)}<b class="{_sign(value)}">{escape(shown)}</b></div>'
        for name, shown, value in figures_told(found)
    )
    return f'<section class="cards">{cards}</section>'


def _card(found: Found) -> str:
    if found.card is None:
        return ""
    said = "".join(f"<p>{escape(one)}</p>" for one in card_sentences(found.card))
    head = (
        "level",
        "stake",
        "lost if this one loses too",
        "balance left",
        "result if it wins",
        "comes this far",
        "limits",
    )
    return f"<section><h2>Ruin card</h2>{_table(head, card_rows(found.card))}{said}</section>"


def _heat(swept: Sweep | None) -> str:
    if swept is None:
        return ""
    tried = sum(cell.return_pct is not None for cell in swept.cells)
    best = ", ".join(f"{name} {value}" for name, value in swept.best.values.items())
    said = (
        f"The best of {tried} combinations on these candles: {best}, {pct(swept.best.return_pct)}. It was chosen by knowing "
        "the outcome; on other candles expect less. What follows was played with it."
    )
    return f'<section><h2>Return by settings, per cent</h2><div id="heat"></div><p>{escape(said)}</p></section>'


def _trades(trades: Sequence[ClosedTrade]) -> str:
    head = (
        "opened (UTC)",
        "side",
        "level",
        "entry",
        "closed in",
        "exit",
        "why",
        "fees",
        "funding",
        "result",
        "balance",
    )
    rows = (
        (
            _time(one.opened_ms),
            one.side,
            str(one.level),
            price(one.entry_price),
            _time(one.closed_ms),
            price(one.exit_price),
            one.exit,
            money(one.fees),
            money(one.funding),
            money(one.net),
            money(one.balance),
        )
        for one in trades[:TRADES_MAX]
    )
    more = f"<p>The first {TRADES_MAX:,} of {len(trades):,}; --json has all.</p>" if len(trades) > TRADES_MAX else ""
    return f"<section><h2>Trades</h2>{_table(head, rows)}{more}</section>"


def _assumed(found: Found) -> str:
    said = "".join(f"<li>{escape(one)}</li>" for one in assumptions(found))
    return f"<section><h2>What this assumes</h2><ul>{said}</ul></section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    columns = "".join(f"<th>{escape(name)}" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{columns}{lines}</table>"


def _sign(value: float | Decimal | None) -> str:
    return "" if not value else "up" if value > 0 else "down"


def _time(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
