"""What a master is told: by flags, by the environment, by a file (TOML, or the JSON of older senders); the first one counts.

`{"api": {"url", "username", "password"}, "mt5": {…}, "service": {"loop_interval"}}`; `mt5` is ignored with a warning: which
account and which terminal, the hub says.
"""

import json
import stat
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from copydesk.domain.errors import FieldError, InvalidInput

LOOK_EVERY_S = 0.05
LOOK_EVERY_S_MIN, LOOK_EVERY_S_MAX = 0.02, 5.0
SECRETS = ("password", "signing_secret")

OpenedWhileAway = Literal["fresh", "all", "never"]
FlashTrades = Literal["record", "copy"]


class Options(BaseModel):
    """What may be told; None where it was not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = Field(None, pattern=r"^https?://")
    username: str | None = None
    password: SecretStr | None = None
    signing_secret: SecretStr | None = None
    bot_id: str | None = None
    signature_v0: bool | None = None
    loop_interval: float | None = Field(None, gt=0)
    opened_while_away: OpenedWhileAway | None = None
    flash_trades: FlashTrades | None = None


class MasterConfig(Struct, frozen=True, kw_only=True):
    """Everything that a master needs before it asks the hub. `password` may still have to be asked for."""

    url: str
    username: str
    password: str | None
    signing_secret: str | None
    bot_id: str | None
    signs_v0: bool
    every_s: float
    opened_while_away: OpenedWhileAway
    copies_flashes: bool


class FileRead(Struct, frozen=True, kw_only=True):
    options: Options
    warnings: tuple[str, ...] = ()


def read_file(path: Path) -> FileRead:
    """Raise InvalidInput that says what is wrong with it, and what would be right."""
    document = read_document(path)
    tables = {name: document.get(name, {}) for name in ("api", "service")}
    wrong = [name for name, table in tables.items() if not isinstance(table, dict)]
    if wrong:
        raise refusal(path, f"{wrong[0]}: a table of its own is expected")
    if any(tables["api"].get(name) for name in SECRETS):
        refuse_open_to_others(path)
    told = {**tables["api"], **tables["service"]}
    unknown = [f"{name}.{key}" for name, table in tables.items() for key in table if key not in Options.model_fields]
    unknown += [name for name in document if name not in {"api", "service", "mt5"}]
    if unknown and path.suffix != ".json":
        raise refusal(path, f"{', '.join(unknown)}: no such setting")
    try:
        options = Options.model_validate({name: value for name, value in told.items() if name in Options.model_fields})
    except ValidationError as error:
        raise refusal(path, "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())) from error
    warnings = [f"{path.name}: {', '.join(unknown)} mean nothing here and are ignored"] if unknown else []
    if document.get("mt5"):
        warnings.append(
            f"{path.name}: mt5.{', mt5.'.join(sorted(document['mt5']))} is ignored: which login may be watched, and where its "
            "terminal is, the hub says (allowed_mt5_id, mt5_path)"
        )
    return FileRead(options=options, warnings=tuple(warnings))


def combine(*told: Options, default_url: str) -> MasterConfig:
    """Of each option the first that was told. Raise InvalidInput where something is missing."""
    chosen: Mapping[str, Any] = {
        name: next((value for one in told if (value := getattr(one, name)) is not None), None)
        for name in Options.model_fields
    }
    if chosen["username"] is None:
        raise missing("username", "COPYDESK_MASTER__USERNAME, --username or api.username in the file")
    signs_v0, secret = bool(chosen["signature_v0"]), plain_secret(chosen["signing_secret"])
    if secret is None and not signs_v0:
        raise missing(
            "signing secret",
            "COPYDESK_MASTER__SIGNING_SECRET, --signing-secret-file or api.signing_secret in the file; the bot's owner got it "
            "once (whsec_…), POST /api/v1/bots/{id}/rotate-secret makes a new one",
        )
    return MasterConfig(
        url=(chosen["url"] or default_url).rstrip("/"),
        username=chosen["username"],
        password=plain_secret(chosen["password"]),
        signing_secret=secret,
        bot_id=chosen["bot_id"],
        signs_v0=signs_v0,
        every_s=min(max(chosen["loop_interval"] or LOOK_EVERY_S, LOOK_EVERY_S_MIN), LOOK_EVERY_S_MAX),
        opened_while_away=chosen["opened_while_away"] or "fresh",
        copies_flashes=chosen["flash_trades"] == "copy",
    )


def read_secret_file(path: Path) -> str:
    """One line in a file that only its owner may read. Raise InvalidInput."""
    try:
        refuse_open_to_others(path)
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise refusal(path, f"cannot be read: {error}") from error


def read_document(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise refusal(path, f"cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise refusal(path, "a JSON object is expected")
    return document


def refuse_open_to_others(path: Path) -> None:
    """Windows has no such bits: there the folder's own rights count."""
    if sys.platform == "win32":
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise refusal(path, f"it holds a secret and others may read it (mode {mode:04o}): chmod 600 {path}")


def plain_secret(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def refusal(path: Path, problem: str) -> InvalidInput:
    return InvalidInput(f"{path}: {problem}", (FieldError(str(path), problem),))


def missing(name: str, where: str) -> InvalidInput:
    return InvalidInput(f"no {name}: {where}", (FieldError(name, "missing"),))
