"""A benchmark's figures as a page to look at: bars, ratios beside their goals, the machine. Nothing in it is loaded from elsewhere."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from copydesk.wiring.bench.goals import goal_of, is_met

_STYLE = """
:root { color-scheme: dark light; --ink: #e8eaed; --soft: #9aa0a6; --ground: #15181c; --card: #1e2227; --bar: #4f9cf9; --us: #35c48d; }
@media (prefers-color-scheme: light) { :root { --ink: #1b1f23; --soft: #5f6368; --ground: #f6f7f9; --card: #fff; } }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { margin: 0; } p, th, small { color: var(--soft); }
section { background: var(--card); border-radius: 12px; padding: 1rem 1.25rem; margin-top: 1rem; }
h2 { font-size: 1rem; margin: 0 0 .75rem; }
.row { display: grid; grid-template-columns: minmax(9rem, 17rem) 1fr; gap: .75rem; align-items: center; margin: .3rem 0; }
.track { display: flex; align-items: center; gap: .5rem; white-space: nowrap; }
.bar { height: 1.1rem; border-radius: 4px; background: var(--bar); min-width: 2px; } .us { background: var(--us); }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .5rem .3rem 0; }
.met { color: var(--us); } .missed { color: #f0883e; }
"""

_DECADES = 3.0
"""Bars are drawn by the logarithm where the largest is more than a hundred times the smallest; the smallest then begins here."""


def render(found: Mapping[str, Any], headings: Mapping[str, str]) -> str:
    """A whole HTML page; `headings` names the columns."""
    machine = found["machine"]
    facts = f"{machine['cores']} cores · Python {machine['python']} · {machine['system']} · medians of {found['rounds']} rounds"
    charts = _charts(found["rows"], headings) + _charts(found.get("steps", ()), headings)
    title = f"copydesk bench {found['benchmark']}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><main><h1>{escape(title)}</h1><p>{escape(facts)}</p>"
        f"{_ratios(found['ratios'])}{charts}</main></html>"
    )


def _charts(rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str]) -> str:
    """One a figure; the first column names its bars."""
    if not rows:
        return ""
    name, *figures = rows[0]
    about = f" – {headings[name]}" if name == "step" else ""
    return "".join(_chart(headings[one] + about, [(row[name], row[one]) for row in rows]) for one in figures)


def _ratios(ratios: Mapping[str, float | None]) -> str:
    rows = "".join(_ratio(name, value) for name, value in ratios.items())
    return f"<section><h2>Ratios</h2><table><tr><th>ratio<th>measured<th>goal</tr>{rows}</table></section>"


def _ratio(name: str, value: float | None) -> str:
    goal, met = goal_of(name), is_met(name, value)
    verdict = "" if met is None else f' class="{"met" if met else "missed"}"'
    shown = "–" if value is None else f"{value:g}"
    return f"<tr><td><code>{escape(name)}</code><td{verdict}>{shown}<td>{escape(goal)}</tr>"


def _chart(heading: str, bars: Sequence[tuple[str, float | None]]) -> str:
    """Horizontal bars; ours in a colour of their own."""
    known = [value for _, value in bars if value]
    if not known:
        return ""
    logarithmic = max(known) > 100 * min(known)
    note = " <small>(logarithmic)</small>" if logarithmic else ""
    rows = "".join(_bar(name, value, _share(value, known, logarithmic=logarithmic)) for name, value in bars)
    return f"<section><h2>{escape(heading)}{note}</h2>{rows}</section>"


def _bar(name: str, value: float | None, share: float) -> str:
    ours = " us" if name.startswith("copydesk") else ""
    shown = "–" if value is None else f"{value:,g}"
    bar = f'<span class="bar{ours}" style="width:{share:.1%}"></span>'
    return f'<div class="row"><span>{escape(name)}</span><span class="track">{bar}{shown}</span></div>'


def _share(value: float | None, known: Sequence[float], *, logarithmic: bool) -> float:
    """Of four fifths of the width: the figure stands beside its bar."""
    if not value:
        return 0.0
    if not logarithmic:
        return 0.8 * value / max(known)
    span = math.log10(max(known) / min(known)) + 1 / _DECADES
    return 0.8 * (math.log10(value / min(known)) + 1 / _DECADES) / span
