"""A backtest on the terminal: figures, the ruin card, a heat map of a sweep, the last trades."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from copydesk.strategies.ruin import RuinCard
from copydesk.wiring.backtest.play import Found, Sweep
from copydesk.wiring.backtest.told import assumptions, card_rows, card_sentences, figures_told, money, pct, price

TRADES_SHOWN = 10
BEST_SHOWN = 5

_WIDTHS = (6, 4, 2)
"""Of a cell: with a decimal, whole per cent, or only its sign; the widest that the terminal has room for."""


def show(found: Found, console: Console) -> None:
    """All of it, the most important last. The ruin card is seen before a backtest; here, that of a sweep's best settings."""
    _show_candles(found, console)
    if found.sweep is not None:
        _show_sweep(found.sweep, console)
        if found.card is not None:
            show_card(found.card, console)
    _show_trades(found, console)
    for one in assumptions(found):
        console.print(f"[dim]- {one}[/dim]")
    _show_figures(found, console)


def show_card(card: RuinCard, console: Console) -> None:
    table = Table(
        title=f"Ruin card: a balance of {money(card.balance)}, a payout of {card.payout}", title_justify="left"
    )
    for name in ("level", "stake", "if it loses", "balance left", "if it wins", "comes this far", "limits"):
        table.add_column(name, justify="left" if name == "limits" else "right")
    for level, row in zip(card.levels, card_rows(card), strict=True):
        cells = [Text(cell) for cell in row]
        cells[4].stylize("green" if level.net_if_won >= 0 else "red")
        cells[6].stylize("yellow")
        table.add_row(*cells, style="dim" if level.level > card.last_level else "")
    console.print(table)
    for sentence in card_sentences(card):
        console.print(f"  {sentence}")


def _show_candles(found: Found, console: Console) -> None:
    file = found.file
    first, last = (_time(one.start_ms) for one in (file.candles[0], file.candles[-1]))
    console.print(
        f"[bold]{found.strategy}[/bold] over {len(file.candles):,} candles of {file.interval_ms // 1_000} s, {first} to {last} UTC"
    )
    console.print("  " + ", ".join(f"{name} {value}" for name, value in found.settings.items()))
    if file.gaps:
        missing, widest = sum(gap.missing for gap in file.gaps), max(file.gaps, key=lambda gap: gap.missing)
        console.print(
            f"  [yellow]{len(file.gaps)} gaps, {missing:,} candles missing[/yellow]; the widest after {_time(widest.after_ms)}, "
            f"{widest.missing:,} candles. Nothing is put in their place."
        )


def _show_figures(found: Found, console: Console) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    told = [(name, Text(shown, style=_colour(value))) for name, shown, value in figures_told(found)]
    half = -(-len(told) // 2)
    for row in range(half):
        right = told[half + row] if half + row < len(told) else ("", Text())
        table.add_row(told[row][0], told[row][1], right[0], right[1])
    console.print(table)


def _show_trades(found: Found, console: Console) -> None:
    trades = found.played.trades
    if not trades:
        console.print("  No trade was made.")
        return
    table = Table(title=f"The last {min(TRADES_SHOWN, len(trades))} of {len(trades):,}", title_justify="left")
    for name in ("opened", "side", "entry", "exit", "why", "result", "balance"):
        table.add_column(name, justify="left" if name in {"opened", "side", "why"} else "right")
    for one in trades[-TRADES_SHOWN:]:
        side = one.side if one.contract is None else f"{one.side} level {one.level}"
        result = Text(money(one.net), style=_colour(one.net))
        prices = (price(one.entry_price), price(one.exit_price))
        table.add_row(_time(one.opened_ms), side, *prices, one.exit, result, money(one.balance))
    console.print(table)


def _show_sweep(swept: Sweep, console: Console) -> None:
    names = list(swept.axes)
    if len(names) <= 2:  # noqa: PLR2004  a map has two sides
        _show_heat(swept, names, console)
    played = sorted(
        (one for one in swept.cells if one.return_pct is not None), key=lambda one: one.return_pct or 0.0, reverse=True
    )
    table = Table(title=f"The best of {len(played):,} combinations", title_justify="left")
    for name in (*names, "return", "trades", "win rate", "profit factor", "drawdown"):
        table.add_column(name, justify="right")
    for one in played[:BEST_SHOWN]:
        factor = "–" if one.profit_factor is None else f"{one.profit_factor:.2f}"
        returned = Text(pct(one.return_pct), style=_colour(one.return_pct))
        table.add_row(
            *one.values.values(), returned, f"{one.trades:,}", pct(one.win_rate_pct), factor, pct(one.max_drawdown_pct)
        )
    console.print(table)
    refused = [one for one in swept.cells if one.refused is not None]
    if refused:
        console.print(f"  {len(refused)} combinations make no sense; the first: {refused[0].refused}")
    console.print(
        "  [yellow]The best was chosen by knowing the outcome: on other candles expect less.[/yellow] It is played below."
    )


def _show_heat(swept: Sweep, names: Sequence[str], console: Console) -> None:
    """Returns in colour; with numbers where there is room for them."""
    across, down = names[-1], names[0] if len(names) > 1 else None
    columns, rows = swept.axes[across], swept.axes[down] if down else [""]
    label = max(len(down or ""), *(len(value) for value in rows))
    cells = {(one.values[down] if down else "", one.values[across]): one for one in swept.cells}
    room = (console.width - label - 1) // len(columns)
    width = next((one for one in _WIDTHS if one <= room), _WIDTHS[-1])
    most = max((abs(one.return_pct or 0.0) for one in swept.cells), default=0.0) or 1.0
    console.print(f"Return in per cent: [bold]{across}[/bold] across" + (f", [bold]{down}[/bold] down" if down else ""))
    head = "".join(f"{value:>{width}}"[-width:] for value in columns)
    console.print(Text(" " * (label + 1) + head, style="dim"), soft_wrap=True)
    for row in rows:
        line = Text(f"{row:>{label}} ")
        for column in columns:
            line.append_text(_heat_cell(cells[row, column].return_pct, width, most))
        console.print(line, soft_wrap=True)


def _heat_cell(return_pct: float | None, width: int, most: float) -> Text:
    if return_pct is None:
        return Text(f"{'·':>{width - 1}} ", style="dim")
    strength = 40 + int(150 * abs(return_pct) / most)
    colour = f"rgb(20,{strength},70)" if return_pct >= 0 else f"rgb({strength},25,35)"
    numbers = {6: f"{return_pct:.1f}", 4: f"{return_pct:.0f}", 2: "+" if return_pct >= 0 else "−"}
    return Text(f"{numbers[width]:>{width - 1}} ", style=f"white on {colour}")


def _colour(value: float | Decimal | None) -> str:
    return "" if not value else "green" if value > 0 else "red"


def _time(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")
