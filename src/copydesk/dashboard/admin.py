"""What an admin looks after: health, users, the audit log and its chain, backups, the hub's log."""

import json
from decimal import Decimal

from nicegui import ui

from copydesk.client.desk import AuditAnswer
from copydesk.client.operations import BackupAnswer, LogAnswer
from copydesk.client.people import UserAnswer
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import card, empty, line, tile, utc
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.domain.user import Role

ADMINS = frozenset({Role.ADMIN})
AUDIT_SHOWN = 200
LOGS_SHOWN = 200
_LEVELS = ("debug", "info", "warning", "error", "critical")
_TONES = {"warning": "warn", "error": "down", "critical": "down"}
_MIB = Decimal(1024 * 1024)


def show_admin(tab: Tab) -> None:
    _health(tab)
    _users(tab)
    _audit(tab)
    _backups(tab)
    _logs(tab)


def _health(tab: Tab) -> None:
    say = tab.say
    with ui.element("div").classes("tiles"):
        hub = tile(say("admin.hub"))
        bots = tile(say("admin.bots"))
        follows = tile(say("admin.subscriptions"))
        ledger = tile(say("admin.ledger"))

    async def look() -> None:
        found = await tab.people.health()
        hub.set_text(say("admin.hub_sick" if found.problem else "admin.hub_well"))
        hub.classes(remove="up down", add="down" if found.problem else "up")
        if found.answer is None:
            return
        bots.set_text(say.number(found.answer.active_bots))
        follows.set_text(say.number(found.answer.active_subscriptions))
        differ = found.answer.ledger_discrepancies
        ledger.set_text(say("admin.ledger_differs", count=differ) if differ else say("admin.ledger_fits"))
        ledger.classes(remove="up down", add="down" if differ else "up")

    tab.keep(look)


def _users(tab: Tab) -> None:
    say = tab.say
    columns = [
        Column(field="username", title=say("admin.username"), width=130, grows=True, link="edit"),
        Column(field="role", title=say("admin.role"), width=120),
        Column(field="status", title=say("admin.status"), width=100, tone="tone"),
        Column(field="login", title=say("admin.mt5_login"), width=120, wide_only=True),
        Column(field="plan", title=say("admin.plan"), width=110, wide_only=True),
        Column(field="since", title=say("admin.since"), kind=Kind.TIME, width=130, wide_only=True),
    ]
    with card():
        new = ui.button(say("admin.new_user"), icon="person_add", on_click=lambda: ui.navigate.to("/admin/users/new"))
        new.props("no-caps unelevated").classes("start")
        table = Table(
            tab,
            columns,
            title=say("admin.users"),
            empty=lambda: empty(say("admin.no_users")),
            rows_shown=6,
            newest="since",
        )

    async def look() -> None:
        table.show([_user_row(tab, one) for one in await tab.person.ask(lambda api: api.users())])

    tab.keep(look, polls=5)


def _user_row(tab: Tab, one: UserAnswer) -> Row:
    return {
        "id": one.id,
        "username": one.username,
        "edit": f"/admin/users/{one.id}",
        "role": tab.say.word("roles", one.role),
        "status": tab.say.word("user_statuses", one.status),
        "tone": "" if one.status == "active" else "down",
        "login": "" if one.allowed_mt5_id is None else str(one.allowed_mt5_id),
        "plan": one.subscription,
        "since": utc(one.created_at),
    }


def _audit(tab: Tab) -> None:
    say = tab.say
    columns = [
        Column(field="number", title=say("admin.number"), kind=Kind.NUMBER, width=76),
        Column(field="at", title=say("admin.at"), kind=Kind.TIME, width=120),
        Column(field="actor", title=say("admin.actor"), width=130, wide_only=True),
        Column(field="action", title=say("admin.action"), width=150, grows=True),
        Column(field="details", title=say("admin.details"), width=260, grows=True, wide_only=True),
    ]
    with card():
        with line():
            verdict = ui.label(say("admin.chain_unknown")).classes("muted").props('role="status"')
            verify = ui.button(say("admin.verify"), icon="verified_user").props("flat dense no-caps").classes("end")
        table = Table(
            tab,
            columns,
            title=say("admin.audit"),
            empty=lambda: empty(say("admin.no_audit")),
            rows_shown=8,
            newest="number",
        )

    async def check() -> None:
        verify.props("loading")
        found = await tab.act(lambda api: api.verify_audit())
        verify.props(remove="loading")
        if found is None:
            return
        whole = say("admin.chain_whole", count=found.lines)
        verdict.set_text(whole if found.whole else say("admin.chain_broken", line=found.first_broken or 0))
        verdict.classes(remove="muted up down", add="up" if found.whole else "down strong")

    verify.on_click(check)

    async def look() -> None:
        lines = await tab.person.ask(lambda api: api.audit(most=AUDIT_SHOWN))
        names = {one.id: one.username for one in await tab.person.ask(lambda api: api.users())}
        table.show([_audit_row(one, names.get(one.actor, one.actor)) for one in lines])

    tab.keep(look, polls=5)


def _audit_row(one: AuditAnswer, actor: str) -> Row:
    return {
        "id": str(one.number),
        "number": one.number,
        "at": utc(one.at),
        "actor": actor,
        "action": one.action,
        "details": json.dumps(dict(one.details), ensure_ascii=False) if one.details else "",
    }


def _backups(tab: Tab) -> None:
    say = tab.say
    columns = [
        Column(field="at", title=say("admin.made"), kind=Kind.TIME, width=130),
        Column(field="name", title=say("admin.file"), width=160, grows=True),
        Column(field="rows", title=say("admin.rows"), kind=Kind.NUMBER, width=100, wide_only=True),
        Column(field="size", title=say("admin.size"), kind=Kind.NUMBER, unit="MiB", digits=2, width=110),
    ]
    with card():
        with line():
            hint = ui.label(say("admin.key_apart")).classes("small muted")
            make = ui.button(say("admin.make_backup"), icon="save").props("no-caps unelevated").classes("end")
        table = Table(
            tab,
            columns,
            title=say("admin.backups"),
            empty=lambda: empty(say("admin.no_backups"), icon="save"),
            rows_shown=4,
        )

    async def look() -> None:
        found = await tab.person.ask(lambda api: api.backups())
        hint.set_text(say("admin.kept_in", folder=found.folder))
        table.show([_backup_row(one) for one in found.items])

    async def back_up() -> None:
        make.props("loading")
        await tab.act(lambda api: api.make_backup(), done=say("admin.backup_made"))
        make.props(remove="loading")
        await look()

    make.on_click(back_up)
    tab.keep(look, polls=10)


def _backup_row(one: BackupAnswer) -> Row:
    size = round(one.bytes / _MIB, 2)
    return {"id": one.name, "at": utc(one.made_at), "name": one.name, "rows": one.rows, "size": str(size)}


def _logs(tab: Tab) -> None:
    say = tab.say
    columns = [
        Column(field="at", title=say("admin.at"), kind=Kind.TIME, width=110),
        Column(field="level", title=say("admin.level"), width=90, tone="tone"),
        Column(field="event", title=say("admin.event"), width=150, grows=True),
        Column(field="fields", title=say("admin.details"), width=320, grows=True, wide_only=True),
    ]
    with card():
        words = {"": say("admin.every_level"), **{one: one for one in _LEVELS}}
        level = ui.select(words, value="", label=say("admin.level")).classes("start").style("min-width: 150px")
        level.props("outlined dense options-dense")
        table = Table(
            tab, columns, title=say("admin.logs"), empty=lambda: empty(say("admin.no_logs")), rows_shown=8, newest="at"
        )
        ui.label(say("admin.logs_hint")).classes("small muted")

    async def look() -> None:
        wanted = {"level": str(level.value)} if level.value else {}
        table.show([_log_row(one) for one in await tab.person.ask(lambda api: api.logs(most=LOGS_SHOWN, **wanted))])

    level.on_value_change(look)
    tab.keep(look, polls=3)


def _log_row(one: LogAnswer) -> Row:
    fields = " ".join(f"{name}={value}" for name, value in one.fields.items())
    return {
        "id": str(one.number),
        "at": utc(one.at),
        "level": one.level,
        "tone": _TONES.get(one.level, "muted"),
        "event": one.event,
        "fields": fields,
    }


PAGE = Page(path="/admin", title="admin.title", show=show_admin, icon="admin_panel_settings", roles=ADMINS)
