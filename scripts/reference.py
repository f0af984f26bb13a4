"""Write docs/reference and the example settings from the code; `--check` only says whether they are current."""

import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import ccxt
import typer
from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from copydesk.cli import app as cli
from copydesk.client.fields import Answer
from copydesk.client.live_words import COMMANDS as LIVE_COMMANDS
from copydesk.client.live_words import EVENTS as LIVE_EVENTS
from copydesk.domain.errors import InvalidInput
from copydesk.domain.execution import FINAL, MOVES, State
from copydesk.ports.clock import SystemClock
from copydesk.settings import HOME, PREFIX, Settings
from copydesk.venues.ccxt import CcxtVenue
from copydesk.venues.ccxt.capabilities import KNOWN
from copydesk.web.app import build_app
from copydesk.web.policy import POLICIES

ROOT = Path(__file__).parent.parent
MADE = "<!-- Made from the code by `make reference`: do not edit. -->\n"


def main() -> int:
    wanted = {
        "docs/reference/settings.md": settings_page(),
        "docs/reference/routes.md": routes_page(),
        "docs/reference/commands.md": commands_page(),
        "docs/reference/states.md": states_page(),
        "docs/reference/live.md": live_page(),
        "docs/reference/exchanges.md": exchanges_page(),
        ".env.example": env_example(),
        "copydesk.toml.example": toml_example(),
    }
    stale = [name for name, text in wanted.items() if not _is(ROOT / name, text)]
    if "--check" in sys.argv:
        print("\n".join(f"{name} is not current: run `make reference`" for name in stale))
        return 1 if stale else 0
    for name in stale:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(wanted[name], encoding="utf-8")
        print(f"wrote {name}")
    return 0


def settings_page() -> str:
    rows = [f"| `{name}` | {_default(field)} | {field.description} |" for name, field in _settings()]
    head = "# Settings\n\nFrom the environment, `.env` or `copydesk.toml` (names there in lower case, without the prefix;\n"
    head += "nested ones in a table). The environment wins over `.env`, which wins over the TOML file. An unknown name or a\n"
    head += "bad value stops the start with one line that names it.\n\n| name | default | meaning |\n|---|---|---|\n"
    return MADE + head + "\n".join(rows) + "\n"


def env_example() -> str:
    lines = ["# Copy to .env and keep what you change. Made from the code by `make reference`."]
    for name, field in _settings():
        lines += ["", f"# {field.description}", f"#{name}={_plain_default(field)}"]
    return "\n".join(lines) + "\n"


def toml_example() -> str:
    lines = ["# Copy to copydesk.toml and keep what you change. Made from the code by `make reference`."]
    table = ""
    for name, field in sorted(_settings(), key=lambda one: "__" in one[0]):
        *tables, own = name.removeprefix(PREFIX).lower().split("__")
        if tables and tables[0] != table:
            table = tables[0]
            lines += ["", f"#[{table}]"]
        lines += ["", f"# {field.description}", f"#{own} = {_toml(field)}"]
    return "\n".join(lines) + "\n"


def routes_page() -> str:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        yield

    app = build_app(cast("Any", None), lifespan, version("copydesk"))
    rows = []
    for path, methods in sorted(app.openapi()["paths"].items()):
        for method, told in methods.items():
            roles = POLICIES[method.upper(), path].roles
            who = ", ".join(sorted(role.value for role in roles)) or "everybody"
            what = (told.get("description") or told.get("summary") or "").split("\n\n")[0].replace("\n", " ")
            rows.append(f"| `{method.upper()} {path}` | {who} | {what} |")
    head = "# Routes\n\nThe running hub serves the whole of it, with every field, at `/docs` and `/openapi.json`.\n\n"
    return MADE + head + "| route | who | what |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def commands_page() -> str:
    root = typer.main.get_command(cli)
    lines = [MADE + "# Commands\n"]
    for name, command in _commands("copydesk", root):
        lines.append(f"## `{name}`\n\n{(command.help or '').strip()}\n")
        options = [_option(one) for one in command.params if getattr(one, "help", None) and one.name != "help"]
        if options:
            lines.append("| option | default | meaning |\n|---|---|---|\n" + "\n".join(options) + "\n")
    return "\n".join(lines)


def states_page() -> str:
    rows = []
    for before, after in sorted(MOVES.items(), key=lambda move: list(State).index(move[0])):
        kind = "final" if before in FINAL else ""
        rows.append(f"| {before} | {', '.join(sorted(after)) or '–'} | {kind} |")
    head = "# States of an execution\n\nThe only moves there are; docs/safety.md says when each is made.\n\n"
    return MADE + head + "| from | to | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def live_page() -> str:
    events = [
        f"| `{name}` | {_fields(event.data)} | {event.who} | {event.when} |" for name, event in LIVE_EVENTS.items()
    ]
    commands = [
        f"| `{name}` | {_fields(command.wish)} | {command.answer} | {command.does} |"
        for name, command in LIVE_COMMANDS.items()
    ]
    head = "# Live API: events and commands\n\nSocket.IO at `/socket.io`; [Live API](../live-api.md) says how it is used.\n\n## Events\n\n"
    head += "| event | data | who hears it | when |\n|---|---|---|---|\n" + "\n".join(events)
    rest = "\n\n## Commands\n\n| command | takes | its callback gets, beside `success` | does |\n|---|---|---|---|\n"
    return MADE + head + rest + "\n".join(commands) + "\n"


def exchanges_page() -> str:
    rows = []
    for exchange_id in ccxt.exchanges:
        try:
            venue = CcxtVenue(exchange_id, SystemClock(), simulator_url=None, timeout_s=10, allow_live=False)
        except InvalidInput as error:
            rows.append(f"| `{exchange_id}` | – | – | – | not used: {error.fields[0].problem} |")
            continue
        known = KNOWN.get(exchange_id)
        market, needs = ", ".join(sorted(venue.traits.markets)), ", ".join(venue.traits.credentials)
        trust = "nothing" if known is None else f"listed codes, our ids ({known.client_id} orders)"
        rows.append(
            f"| `ccxt:{exchange_id}` | {market} | {needs} | {'yes' if venue.traits.places_stops else 'no'} | {trust} |"
        )
    head = f"# Exchanges through ccxt\n\nccxt {ccxt.__version__}. [Venues](../venues.md) says what trust means.\n\n"
    return (
        MADE
        + head
        + "| venue | market | secrets | stops | trusted with |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def _fields(model: type[BaseModel]) -> str:
    """What the HTTP API has too is named, not repeated."""
    if issubclass(model, Answer):
        return f"`{model.__name__}` of [the HTTP API](routes.md)"
    names = [f"`{name}`" for name in model.model_fields]
    return ", ".join([*names, "any setting"] if model.model_config.get("extra") == "allow" else names) or "nothing"


def _settings(model: type[BaseModel] = Settings, prefix: str = PREFIX) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _settings(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", field


def _plain_default(field: FieldInfo) -> str:
    value = field.default
    return (
        ""
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else ", ".join(value)
        if isinstance(value, tuple)
        else str(value).replace(str(HOME), "~/.copydesk")
    )


def _default(field: FieldInfo) -> str:
    return f"`{_plain_default(field)}`" if _plain_default(field) else "–"


def _toml(field: FieldInfo) -> str:
    if isinstance(field.default, tuple):
        return str(list(field.default))
    text = _plain_default(field)
    return text if isinstance(field.default, bool | int | float) else f'"{text}"'


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = command.list_commands(None) if hasattr(command, "list_commands") else []
    if not children:
        yield name, command
    for child in sorted(children):
        yield from _commands(f"{name} {child}", command.get_command(None, child))


def _option(one: Any) -> str:
    default = "–" if one.default in {None, False} or callable(one.default) else f"`{one.default}`"
    names = ", ".join(f"`{name}`" for name in one.opts)
    return f"| {names} | {default} | {one.help} |"


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
