"""One account: its curve and sums, what it holds and waits for, its pre-flight report, its switch and its key."""

from collections.abc import Sequence
from decimal import Decimal

from nicegui import ui

from copydesk.client.api import ApiClient
from copydesk.client.errors import Missing
from copydesk.client.models import AccountAnswer, AccountChange, CheckAnswer
from copydesk.client.results import AccountBook, AccountResults, HeldAnswer, TradeAnswer, WaitingOrder
from copydesk.dashboard.accounts import key_chip
from copydesk.dashboard.adding import HIDDEN, needs_of
from copydesk.dashboard.asking import confirm, dialog
from copydesk.dashboard.chart import Chart, curve, time_axis, value_axis
from copydesk.dashboard.following import FOLLOWS, where
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import card, empty, line, tile, utc
from copydesk.dashboard.reports import show_check
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.dashboard.telling import tone_of
from copydesk.dashboard.terminals import show_terminal
from copydesk.domain.venue import MT5, PAPER

POINTS_MAX = 1_000
VENUE_EVERY_POLLS = 15
"""The venue itself is asked less often: every look costs requests there."""


def show_account(tab: Tab, account_id: str) -> None:
    place = ui.element("div").classes("stack")
    begun: list[bool] = []

    async def begin() -> None:
        if begun:
            return
        try:
            found = await tab.person.ask(lambda api: api.account(account_id))
        except Missing:
            begun.append(True)
            with place, card():
                empty(tab.say("accounts.gone"), icon="search_off")
            return
        begun.append(True)
        with place:
            _Account(tab, found)

    tab.keep(begin)


class _Account:
    """The open page of one account; tables and curve get only what is new."""

    def __init__(self, tab: Tab, account: AccountAnswer) -> None:
        self._tab, self._account = tab, account
        self._head = ui.element("section").classes("card stack")
        self._draw_head()
        self._terminal = ui.element("div")
        self._shown_terminal: object = None
        with ui.element("div").classes("tiles"):
            say = tab.say
            self._balance = tile(say("accounts.balance"))
            self._net = tile(say("accounts.net"))
            self._won = tile(say("accounts.won"))
            self._fallen = tile(say("accounts.drawdown"))
        self._curve_place = card(tab.say("accounts.curve"))
        self._curve: Chart | None = None
        self._last_trade = ""
        with card():
            self._positions = _table(tab, "positions", _position_columns(tab), rows_shown=3)
        with card():
            self._orders = _table(tab, "orders", _order_columns(tab), rows_shown=4)
        with card():
            self._trades = _table(tab, "trades", _trade_columns(tab), rows_shown=8, newest="closed_at")
        tab.keep(self._look, polls=2)
        tab.keep(self._look_at_venue, polls=VENUE_EVERY_POLLS)

    def _draw_head(self) -> None:
        tab, account, say = self._tab, self._account, self._tab.say
        self._head.clear()
        with self._head:
            with line():
                ui.label(account.name).classes("strong")
                ui.label(where(tab, account)).classes("muted")
                ui.label(account.key_hint).classes("muted")
                key_chip(tab, account).classes("end")
            if account.key_problem:
                ui.label(account.key_problem).classes("down")
            with line():
                check = ui.button(say("accounts.check"), icon="fact_check", on_click=self._check)
                switch = ui.button(say("accounts.switch_off" if account.is_active else "accounts.switch_on"))
                switch.props("icon=power_settings_new").on_click(self._switch)
                buttons = [check, switch]
                if account.venue not in {PAPER, MT5}:
                    buttons.append(ui.button(say("accounts.change_key"), icon="key", on_click=self._ask_key))
                buttons.append(ui.button(say("accounts.delete"), icon="delete", on_click=self._ask_delete))
                for one in buttons:
                    one.props("flat dense no-caps size=sm")
            self._report = ui.element("div").classes("stack")
            self._report.set_visibility(False)

    async def _look(self) -> None:
        book = await self._tab.person.ask(lambda api: api.account_book(self._account.id))
        results = await self._tab.person.ask(lambda api: api.account_results(self._account.id))
        self._orders.show([_order_row(self._tab, one) for one in book.orders])
        self._show_terminal(book)
        self._show_results(results)

    async def _look_at_venue(self) -> None:
        """Positions come with prices from here, so that they do not come and go."""
        book = await self._tab.person.ask(lambda api: api.account_book(self._account.id, at_venue=True))
        self._positions.show([_position_row(self._tab, one) for one in book.positions])
        if book.balance is not None:
            self._balance.set_text(self._tab.say.usd(book.balance.total_usd))
        elif book.terminal is not None and book.terminal.balance is not None:
            unit = book.terminal.currency or ""
            self._balance.set_text(f"{self._tab.say.number(round(book.terminal.balance, 2))} {unit}".strip())
        else:
            self._balance.set_text(self._tab.say("accounts.not_told"))
            self._balance.props["title"] = book.problem or ""

    def _show_terminal(self, book: AccountBook) -> None:
        if book.terminal is None or book.terminal == self._shown_terminal:
            return
        self._shown_terminal = book.terminal
        self._terminal.clear()
        with self._terminal:
            show_terminal(self._tab, book.terminal)

    def _show_results(self, found: AccountResults) -> None:
        say = self._tab.say
        self._net.set_text(say.usd(found.net_usd, signed=True))
        self._net.classes(remove="up down", add=tone_of(found.net_usd))
        share = Decimal(100) * found.wins / found.total_trades if found.total_trades else None
        trades = say("accounts.of_trades", count=found.total_trades)
        self._won.set_text("–" if share is None else f"{say.percent(share)} · {trades}")
        self._fallen.set_text(say.usd(found.max_drawdown_usd))
        self._trades.show([_trade_row(self._tab, one) for one in found.trades])
        self._draw_curve(found.trades)

    def _draw_curve(self, trades: Sequence[TradeAnswer]) -> None:
        """Once whole, from then on only the points that are new."""
        new = [one for one in trades if one.id > self._last_trade]
        if self._curve is None:
            self._curve_place.set_visibility(bool(trades))
            if not trades:
                return
            with self._curve_place:
                self._curve = _curve(self._tab, trades)
        elif new:
            self._curve.add({"sum": [_point(one) for one in new]}, most=POINTS_MAX)
        self._last_trade = max([self._last_trade, *(one.id for one in new)])

    async def _check(self) -> None:
        self._report.clear()
        self._report.set_visibility(True)
        with self._report:
            ui.linear_progress(show_value=False).props("indeterminate")
        found: CheckAnswer | None = await self._tab.act(lambda api: api.check_account(self._account.id))
        await self._read_again()
        if found is not None:
            self._report.set_visibility(True)
            with self._report:
                show_check(self._tab, found)

    async def _switch(self) -> None:
        wanted = AccountChange(is_active=not self._account.is_active)
        await self._change(wanted)

    async def _change(self, wanted: AccountChange) -> None:
        changed = await self._tab.act(
            lambda api: api.change_account(self._account.id, wanted), done=self._tab.say("accounts.changed")
        )
        if changed is not None:
            self._account = changed
            self._draw_head()

    async def _read_again(self) -> None:
        found = await self._tab.act(lambda api: api.account(self._account.id))
        self._account = found or self._account
        self._draw_head()

    def _ask_key(self) -> None:
        say = self._tab.say
        with dialog(say("accounts.change_key")) as opened:
            ui.label(say("accounts.key_hint")).classes("muted")
            asked = {
                name: ui.input(say.word("keys", name), password=name in HIDDEN).props('outlined autocomplete="off"')
                for name in needs_of(self._account.venue)
            }

            async def save() -> None:
                told = {name: one.value.strip() for name, one in asked.items() if one.value and one.value.strip()}
                if not told:
                    return
                opened.close()
                with self._head:
                    await self._change(AccountChange(**told))

            with line():
                ui.button(say("frame.cancel"), on_click=opened.close).props("flat no-caps").classes("end")
                ui.button(say("frame.save"), on_click=save).props("no-caps unelevated")

    def _ask_delete(self) -> None:
        say, account = self._tab.say, self._account

        async def delete() -> None:
            if await self._tab.act(lambda api: _deleted(api, account.id), done=say("accounts.deleted")):
                ui.navigate.to("/accounts")

        confirm(
            self._tab,
            say("accounts.delete_ask", name=account.name),
            say("accounts.delete_means"),
            say("accounts.delete_now"),
            delete,
        )


async def _deleted(api: ApiClient, account_id: str) -> bool:
    await api.delete_account(account_id)
    return True


def _curve(tab: Tab, trades: Sequence[TradeAnswer]) -> Chart:
    name, palette = tab.say("accounts.sum"), tab.palette
    options = {
        "xAxis": time_axis(palette),
        "yAxis": value_axis(palette, "USD"),
        "series": [curve("sum", name, palette.accent, [_point(one) for one in trades])],
    }
    return Chart(tab, options, label=tab.say("accounts.curve"))


def _point(one: TradeAnswer) -> list[object]:
    return [utc(one.closed_at), float(one.sum_usd)]


def _table(tab: Tab, name: str, columns: Sequence[Column], *, rows_shown: int, newest: str = "") -> Table:
    words = {
        "positions": (tab.say("accounts.positions"), tab.say("accounts.no_positions"), "donut_large"),
        "orders": (tab.say("accounts.orders"), tab.say("accounts.no_orders"), "hourglass_empty"),
        "trades": (tab.say("accounts.trades"), tab.say("accounts.no_trades"), "receipt_long"),
    }
    title, nothing, icon = words[name]
    return Table(
        tab, columns, title=title, empty=lambda: empty(nothing, icon=icon), rows_shown=rows_shown, newest=newest
    )


def _position_columns(tab: Tab) -> list[Column]:
    say = tab.say
    return [
        Column(field="symbol", title=say("accounts.symbol"), width=90, grows=True),
        Column(field="direction", title=say("accounts.direction"), width=92),
        Column(field="quantity", title=say("accounts.quantity"), kind=Kind.NUMBER, width=100, wide_only=True),
        Column(field="entry", title=say("accounts.entry"), kind=Kind.NUMBER, width=120, wide_only=True),
        Column(field="last", title=say("accounts.last"), kind=Kind.NUMBER, width=120, wide_only=True),
        Column(
            field="result", title=say("accounts.result"), kind=Kind.NUMBER, unit="USD", digits=2, tone="tone", width=110
        ),
        Column(field="since", title=say("accounts.since"), kind=Kind.SINCE, width=100, wide_only=True),
    ]


def _position_row(tab: Tab, one: HeldAnswer) -> Row:
    return {
        "id": f"{one.subscription_id} {one.symbol} {one.master_ticket}",
        "symbol": one.symbol,
        "direction": tab.say.word("directions", one.direction),
        "quantity": _text(one.quantity),
        "entry": _text(one.entry_price),
        "last": _text(one.last_price),
        "result": _text(one.unrealised_usd),
        "tone": tone_of(one.unrealised_usd),
        "since": utc(one.opened_at),
    }


def _order_columns(tab: Tab) -> list[Column]:
    say = tab.say
    return [
        Column(field="at", title=say("accounts.at"), kind=Kind.TIME, width=100, link="signal"),
        Column(field="symbol", title=say("accounts.symbol"), width=90, grows=True),
        Column(field="leg", title=say("accounts.leg"), width=100),
        Column(field="state", title=say("accounts.state"), width=100, wide_only=True),
        Column(field="quantity", title=say("accounts.quantity"), kind=Kind.NUMBER, width=100, wide_only=True),
        Column(field="trigger", title=say("accounts.trigger"), kind=Kind.NUMBER, width=120, wide_only=True),
        Column(field="reason", title=say("accounts.reason"), width=200, grows=True, wide_only=True),
    ]


def _order_row(tab: Tab, one: WaitingOrder) -> Row:
    return {
        "id": one.id,
        "at": utc(one.created_at),
        "signal": f"/signals/{one.signal_id}",
        "symbol": one.symbol,
        "leg": tab.say.word("legs", one.leg.partition(":")[0]),
        "state": tab.say.word("states", one.state),
        "quantity": _text(one.requested_quantity),
        "trigger": _text(one.trigger_price),
        "reason": one.reason or "",
    }


def _trade_columns(tab: Tab) -> list[Column]:
    say = tab.say
    return [
        Column(field="closed_at", title=say("accounts.closed"), kind=Kind.TIME, width=110),
        Column(field="symbol", title=say("accounts.symbol"), width=90, grows=True),
        Column(field="direction", title=say("accounts.direction"), width=96, wide_only=True),
        Column(field="quantity", title=say("accounts.quantity"), kind=Kind.NUMBER, width=96, wide_only=True),
        Column(field="entry", title=say("accounts.entry"), kind=Kind.NUMBER, width=110, wide_only=True),
        Column(field="exit", title=say("accounts.exit"), kind=Kind.NUMBER, width=110, wide_only=True),
        Column(field="closed_by", title=say("accounts.closed_by"), width=110, wide_only=True),
        Column(
            field="net", title=say("accounts.net_short"), kind=Kind.NUMBER, unit="USD", digits=2, tone="tone", width=100
        ),
    ]


def _trade_row(tab: Tab, one: TradeAnswer) -> Row:
    return {
        "id": one.id,
        "closed_at": utc(one.closed_at),
        "symbol": one.symbol,
        "direction": tab.say.word("directions", one.direction),
        "quantity": _text(one.quantity),
        "entry": _text(one.entry_price),
        "exit": _text(one.exit_price),
        "closed_by": tab.say.word("legs", one.closed_by.partition(":")[0]),
        "net": _text(one.net_usd),
        "tone": tone_of(one.net_usd),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


PAGE = Page(path="/accounts/{account_id}", title="accounts.account", show=show_account, roles=FOLLOWS)
