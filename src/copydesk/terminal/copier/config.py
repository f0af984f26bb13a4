"""What a copier is told: by flags, by the environment, by a file (TOML, or the JSON of older clients); the first one counts.

`{"api": {"url", "username", "password"}, "mt5": {…}, "copier": {…}}`; `mt5` and how much is copied are ignored with a
warning: the hub says that. `copier` is what only the owner beside the terminal knows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from copydesk.domain.errors import InvalidInput
from copydesk.terminal.codec import TEXT_MAX
from copydesk.terminal.config import missing, plain_secret, read_document, refusal, refuse_open_to_others

IGNORED: Mapping[str, str] = {
    "mt5": "which login is traded, and where its terminal is, the hub says (allowed_mt5_id, mt5_path)",
    "trade_copy": "lots and limits are held by the hub (POST /users/config)",
    "service": "a copier looks ten times a second, and acts when it is told",
}
"""Tables of older files whose values the server has, or that mean nothing here."""


class CopierOptions(BaseModel):
    """What may be told; None where it was not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = Field(None, pattern=r"^https?://")
    username: str | None = None
    password: SecretStr | None = None
    reverse: bool | None = None
    symbols: dict[str, str] | None = None
    close_orphans: bool | None = None
    open_missing: bool | None = None


class CopierConfig(Struct, frozen=True, kw_only=True):
    """Everything that a copier needs before it asks the hub. `password` may still have to be asked for."""

    url: str
    username: str
    password: str | None
    reverse: bool
    symbols: Mapping[str, str]
    closes_orphans: bool
    opens_missing: bool


class CopierFile(Struct, frozen=True, kw_only=True):
    options: CopierOptions
    warnings: tuple[str, ...] = ()


def read_copier_file(path: Path) -> CopierFile:
    """Raise InvalidInput that says what is wrong with it, and what would be right."""
    document = read_document(path)
    tables = {name: document.get(name, {}) for name in ("api", "copier")}
    if wrong := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise refusal(path, f"{wrong[0]}: a table of its own is expected")
    if tables["api"].get("password"):
        refuse_open_to_others(path)
    told = {**tables["api"], **tables["copier"]}
    unknown = [
        f"{name}.{key}" for name, table in tables.items() for key in table if key not in CopierOptions.model_fields
    ]
    unknown += [name for name in document if name not in {"api", "copier", *IGNORED}]
    if unknown and path.suffix != ".json":
        raise refusal(path, f"{', '.join(unknown)}: no such setting")
    try:
        known = {name: value for name, value in told.items() if name in CopierOptions.model_fields}
        options = CopierOptions.model_validate(known)
    except ValidationError as error:
        raise refusal(path, "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())) from error
    return CopierFile(options=options, warnings=tuple(_warnings(path, document, unknown)))


def combine_copier(*told: CopierOptions, default_url: str) -> CopierConfig:
    """Of each option the first that was told. Raise InvalidInput where something is missing."""
    chosen: Mapping[str, Any] = {
        name: next((value for one in told if (value := getattr(one, name)) is not None), None)
        for name in CopierOptions.model_fields
    }
    if chosen["username"] is None:
        raise missing("username", "COPYDESK_COPIER__USERNAME, --username or api.username in the file")
    symbols = chosen["symbols"] or {}
    if too_long := [one for one in symbols.values() if len(one) > TEXT_MAX]:
        raise InvalidInput(f"symbols: {too_long[0]} has more than {TEXT_MAX} characters", ())
    return CopierConfig(
        url=(chosen["url"] or default_url).rstrip("/"),
        username=chosen["username"],
        password=plain_secret(chosen["password"]),
        reverse=bool(chosen["reverse"]),
        symbols=symbols,
        closes_orphans=chosen["close_orphans"] is not False,
        opens_missing=bool(chosen["open_missing"]),
    )


def _warnings(path: Path, document: Mapping[str, Any], unknown: list[str]) -> list[str]:
    found = [f"{path.name}: {', '.join(unknown)} mean nothing here and are ignored"] if unknown else []
    return found + [
        f"{path.name}: {name} ({', '.join(sorted(document[name]))}) is ignored: {why}"
        for name, why in IGNORED.items()
        if document.get(name)
    ]
