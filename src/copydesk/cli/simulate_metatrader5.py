"""`copydesk simulate metatrader5`: the terminal simulator, and a hand that trades on it."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from copydesk.simulators import metatrader5
from copydesk.simulators.market import CandleFileError

app = typer.Typer()
console = Console(stderr=True)

Account = Annotated[int, typer.Option("--account", help="Login of the account to trade on.")]
Url = Annotated[str, typer.Option("--url", envvar="METATRADER5_SIMULATOR_URL", help="Where the simulator runs.")]
Symbol = Annotated[str, typer.Argument(help="For example EURUSD.")]
Volume = Annotated[float, typer.Argument(help="In lots.")]
Ticket = Annotated[int, typer.Argument(help="The position's, as `positions` lists it.")]
StopLoss = Annotated[float, typer.Option("--sl", help="Stop loss; 0 is none.")]
TakeProfit = Annotated[float, typer.Option("--tp", help="Take profit; 0 is none.")]
Kind = Literal["buy-limit", "sell-limit", "buy-stop", "sell-stop", "buy-stop-limit", "sell-stop-limit"]
_HERE = "http://127.0.0.1:8103"


@app.callback(invoke_without_command=True)
def simulate(
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8103,
    seed: Annotated[int, typer.Option(help="The market's seed: the same seed, the same prices.")] = 1,
    prices: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SYMBOL=]FILE",
            help="CSV ts_ms,open,high,low,close,volume to replay; the symbol is the file name's, else EURUSD. Repeatable.",
        ),
    ] = None,
    sessions: Annotated[bool, typer.Option("--sessions", help="Markets close by their hours and at weekends.")] = False,
    virtual_time: Annotated[
        bool, typer.Option("--virtual-time", help="Time moves only when told, by POST /_sim/time.")
    ] = False,
    state: Annotated[Path | None, typer.Option(dir_okay=False, help="Keep accounts and orders in this file.")] = None,
    print_path: Annotated[
        bool, typer.Option("--print-path", help="Print the folder of the MetaTrader5 stand-in and exit.")
    ] = False,
) -> None:
    """MetaTrader 5: a broker, several terminals, and a stand-in for the Python package; with a verb, a trade by hand."""
    if context.invoked_subcommand is not None:
        return
    if print_path:
        typer.echo(metatrader5.STANDIN_FOLDER)
        return

    def ready(found: int) -> None:
        console.print(f"[green]MetaTrader 5 simulator on http://127.0.0.1:{found}[/green]", highlight=False)

    run = metatrader5.serve(
        port=port,
        seed=seed,
        prices=prices or (),
        sessions=sessions,
        virtual_time=virtual_time,
        state=state,
        on_ready=ready,
    )
    try:
        asyncio.run(run)
    except (CandleFileError, metatrader5.StateFileError, OSError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None


@app.command()
def buy(
    symbol: Symbol,
    volume: Volume,
    *,
    account: Account,
    sl: StopLoss = 0.0,
    tp: TakeProfit = 0.0,
    comment: str = "",
    url: Url = _HERE,
) -> None:
    """Buy at the market."""
    _do(lambda hand: hand.buy(symbol, volume, sl=sl, tp=tp, comment=comment), url, account)


@app.command()
def sell(
    symbol: Symbol,
    volume: Volume,
    *,
    account: Account,
    sl: StopLoss = 0.0,
    tp: TakeProfit = 0.0,
    comment: str = "",
    url: Url = _HERE,
) -> None:
    """Sell at the market."""
    _do(lambda hand: hand.sell(symbol, volume, sl=sl, tp=tp, comment=comment), url, account)


@app.command()
def close(ticket: Ticket, *, account: Account, url: Url = _HERE) -> None:
    """Close all of a position."""
    _do(lambda hand: hand.close(ticket), url, account)


@app.command()
def partial(ticket: Ticket, volume: Volume, *, account: Account, url: Url = _HERE) -> None:
    """Close a part of a position."""
    _do(lambda hand: hand.close(ticket, volume), url, account)


@app.command("close-by")
def close_by(
    ticket: Ticket,
    opposite: Annotated[int, typer.Argument(help="The opposite position's ticket.")],
    *,
    account: Account,
    url: Url = _HERE,
) -> None:
    """Close a position by an opposite one, without paying the spread again."""
    _do(lambda hand: hand.close_by(ticket, opposite), url, account)


@app.command()
def modify(
    ticket: Ticket,
    *,
    account: Account,
    sl: Annotated[float | None, typer.Option("--sl", help="Stop loss; 0 removes it.")] = None,
    tp: Annotated[float | None, typer.Option("--tp", help="Take profit; 0 removes it.")] = None,
    price: Annotated[float | None, typer.Option(help="New price of a waiting order.")] = None,
    url: Url = _HERE,
) -> None:
    """Change levels of a position, or levels and price of a waiting order."""
    _do(lambda hand: hand.modify(ticket, sl=sl, tp=tp, price=price), url, account)


@app.command()
def pending(
    kind: Annotated[Kind, typer.Argument(help="What it waits for.")],
    symbol: Symbol,
    volume: Volume,
    price: Annotated[float, typer.Argument(help="Where it waits.")],
    *,
    account: Account,
    sl: StopLoss = 0.0,
    tp: TakeProfit = 0.0,
    limit: Annotated[float, typer.Option(help="A stop-limit's limit price.")] = 0.0,
    url: Url = _HERE,
) -> None:
    """Place an order that waits for its price."""
    _do(lambda hand: hand.pend(kind, symbol, volume, price, sl=sl, tp=tp, stoplimit=limit), url, account)


@app.command()
def remove(ticket: Ticket, *, account: Account, url: Url = _HERE) -> None:
    """Remove a waiting order."""
    _do(lambda hand: hand.remove(ticket), url, account)


@app.command()
def positions(*, account: Account, url: Url = _HERE) -> None:
    """List what the account holds and what waits."""
    try:
        found = metatrader5.Hand(url, account).look()
    except metatrader5.HandError as error:
        raise _refused(error) from None
    table = Table("ticket", "what", "symbol", "lots", "price", "sl", "tp", "profit")
    for each in found["positions"]:
        side = "sell" if each["type"] else "buy"
        table.add_row(*_cells(each, side, each["volume"], f"{each['profit']:.2f}"))
    for each in found["orders"]:
        kinds = {number: name for name, number in metatrader5.PENDING_TYPES.items()}
        table.add_row(*_cells(each, kinds[each["type"]], each["volume_current"], ""))
    Console().print(table)


def _cells(each: dict[str, Any], what: str, volume: float, profit: str) -> list[str]:
    prices = (f"{each[name]:g}" if each[name] < 1 else f"{each[name]:.10g}" for name in ("price_open", "sl", "tp"))
    return [str(each["ticket"]), what, each["symbol"], f"{volume:g}", *prices, profit]


def _do(trade: Any, url: str, account: int) -> None:
    """One line on standard output, or the broker's refusal on standard error with exit code 1."""
    try:
        done = trade(metatrader5.Hand(url, account))
    except metatrader5.HandError as error:
        raise _refused(error) from None
    typer.echo(
        f"{done['retcode']} {done['comment']}: order {done['order']}, {done['volume']:g} at {done['price']:.10g}"
    )


def _refused(error: Exception) -> typer.Exit:
    console.print(f"[red]{error}[/red]", highlight=False)
    return typer.Exit(1)
