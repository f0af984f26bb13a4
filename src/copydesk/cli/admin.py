"""`copydesk admin`: what needs the machine rather than a sign-in."""

import asyncio
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from rich.console import Console

from copydesk.domain.user import Role
from copydesk.settings import read_settings
from copydesk.wiring.admin import create_user as make_user
from copydesk.wiring.admin import first_broken_audit_line, settle_by_hand

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Users, keys and the audit log.")
audit = typer.Typer(no_args_is_help=True)
app.add_typer(audit, name="audit", help="The hash-chained audit log.")
console = Console(stderr=True)


@app.command()
def create_user(
    username: Annotated[str, typer.Option(help="3 to 64 letters, digits or . _ @ + -")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, help="10 characters or more.")],
    role: Annotated[Role, typer.Option()] = Role.FOLLOWER,
) -> None:
    """Make a user; the first admin is made this way."""
    user = asyncio.run(make_user(read_settings(), username=username, password=password, role=role))
    console.print(f"[green]{user.role} {user.username} created[/green] ({user.id})", highlight=False)


@app.command()
def settle(
    execution: Annotated[str, typer.Argument(help="The execution's id; it must be in REVIEW.")],
    *,
    not_placed: Annotated[bool, typer.Option("--not-placed", help="The order was never placed.")] = False,
    filled: Annotated[str | None, typer.Option(help="QUANTITY@PRICE, for example 0.005@95200.1")] = None,
) -> None:
    """State what became of an execution that needs a person, after looking at the venue."""
    if not_placed == (filled is not None):
        raise typer.BadParameter("say either --not-placed or --filled QUANTITY@PRICE")
    settled = asyncio.run(settle_by_hand(read_settings(), execution, filled=_read_fill(filled)))
    console.print(f"[green]{settled.leg} {settled.symbol} is {settled.state}[/green]", highlight=False)


def _read_fill(text: str | None) -> tuple[Decimal, Decimal] | None:
    if text is None:
        return None
    try:
        quantity, price = (Decimal(part) for part in text.split("@"))
    except (ValueError, InvalidOperation) as error:
        raise typer.BadParameter("--filled wants QUANTITY@PRICE, for example 0.005@95200.1") from error
    if not (quantity.is_finite() and price.is_finite() and quantity > 0 and price > 0):
        raise typer.BadParameter("quantity and price must be above 0")
    return quantity, price


@audit.callback()
def audit_group() -> None:
    """Every change of users, bots, accounts and subscriptions, chained by hashes."""


@audit.command()
def verify() -> None:
    """Check that no line was changed, removed or added afterwards."""
    broken = asyncio.run(first_broken_audit_line(read_settings()))
    if broken is None:
        console.print("[green]The audit log is whole.[/green]")
        return
    console.print(f"[red]The audit log is broken at line {broken}.[/red]")
    raise typer.Exit(1)
