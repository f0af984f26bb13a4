"""Every setting: read once from `copydesk.toml`, `.env` and the environment (COPYDESK_…), frozen afterwards."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    UrlConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from copydesk.domain.errors import FieldError, InvalidInput

PREFIX = "COPYDESK_"
HOME = Path.home() / ".copydesk"

HttpUrl = Annotated[AnyHttpUrl, UrlConstraints(allowed_schemes=["http", "https"])]
Networks = Annotated[tuple[str, ...], NoDecode]
Hosts = Annotated[tuple[str, ...], NoDecode]
Port = Annotated[int, Field(ge=0, le=65535)]


class SimulatorSettings(BaseModel):
    """Where the venues' simulators listen; an account of environment `simulator` needs its venue's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    binance_url: HttpUrl | None = Field(None, description="Address of `copydesk simulate binance`.")
    deriv_url: HttpUrl | None = Field(None, description="Address of `copydesk simulate deriv`.")


class BinanceSettings(BaseModel):
    """How Binance futures is reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts_per_connection: int = Field(
        200,
        ge=1,
        le=1_000,
        description="Accounts whose orders share one connection of the venue's WebSocket API; each order is signed by itself.",
    )


class DerivSettings(BaseModel):
    """What this desk is registered as at Deriv."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app_id: str = Field(
        "1089",
        pattern=r"^[0-9]{1,15}$",
        description="This desk's id at Deriv's legacy API. The default is their public one for tests: register your own.",
    )
    options_app_id: str | None = Field(
        None,
        pattern=r"^[\w-]{1,100}$",
        description="This desk's id at Deriv's new Options API, for accounts that are entered with a login.",
    )


class MasterSettings(BaseModel):
    """What `copydesk master` signs in with; its flags win over these, these win over its --config file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: HttpUrl | None = Field(None, description="The hub that the Master Sender reports to. Default: host and port.")
    username: str | None = Field(None, description="The Master Sender's user: a provider.")
    password: SecretStr | None = Field(None, description="Its password; without one it is asked for.")
    signing_secret: SecretStr | None = Field(
        None, description="The signing secret (whsec_…) of the bot that the Master Sender feeds."
    )
    bot_id: str | None = Field(None, description="That bot's id, where the user has several.")
    signature_v0: bool | None = Field(None, description="Sign as older senders do; the bot must allow it.")
    loop_interval: float | None = Field(None, gt=0, description="Seconds between two looks at the terminal; 0.05.")
    opened_while_away: Literal["fresh", "all", "never"] | None = Field(
        None,
        description="Positions opened while the Master Sender was away: `fresh` sends those that the bot's "
        "open_freshness_s allows, `all` every one, `never` none.",
    )
    flash_trades: Literal["record", "copy"] | None = Field(
        None, description="Positions opened and closed between two looks: only recorded, or copied."
    )


class CopierSettings(BaseModel):
    """What `copydesk copier` signs in with; its flags win over these, these win over its --config file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: HttpUrl | None = Field(None, description="The hub that the Client Copier obeys. Default: host and port.")
    username: str | None = Field(None, description="The Client Copier's user: a follower.")
    password: SecretStr | None = Field(None, description="Its password; without one it is asked for.")
    reverse: bool | None = Field(None, description="Sell what the master buys, and the other way round.")
    symbols: dict[str, str] | None = Field(
        None, description='Which symbol here a master\'s is, as JSON: {"EURUSD": "EURUSD.m"}.'
    )
    close_orphans: bool | None = Field(
        None, description="Close copies whose master holds nothing any more, as the hub's snapshots say; true."
    )
    open_missing: bool | None = Field(
        None, description="Open what a master holds and nobody told here, within the slippage limit; false."
    )


class Settings(BaseSettings):
    """What differs between two installations."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        toml_file="copydesk.toml",
        extra="forbid",
        frozen=True,
    )

    data_dir: Path = Field(HOME / "data", description="Folder of the database (SQLite) and the logs.")
    database_url: str | None = Field(
        None,
        pattern=r"^postgres(ql)?://",
        description="postgresql://user:password@host/name; without it, SQLite in the data folder.",
    )
    master_key_file: Path = Field(
        HOME / "master.key",
        description="The key that opens the stored secrets; made (mode 0600) by the first start. Back it up apart.",
    )
    host: str = Field("127.0.0.1", description="Address the API listens on; put a TLS proxy before anything else.")
    port: Port = Field(8000, description="Port of the API; 0 picks a free one.")
    dashboard_port: Port = Field(8050, description="Port of the dashboard; 0 picks a free one.")
    public_url: HttpUrl | None = Field(
        None, description="Address that TradingView reaches; webhook URLs begin with it. Default: host and port."
    )
    origins: Hosts = Field(
        (),
        description="Web pages, parted by commas, that may use the API and the live API from a browser: "
        "https://my.page; the desk's own always may.",
    )
    simulator: SimulatorSettings = SimulatorSettings()
    binance: BinanceSettings = BinanceSettings()
    deriv: DerivSettings = DerivSettings()
    master: MasterSettings = MasterSettings()
    copier: CopierSettings = CopierSettings()
    venue_timeout_s: float = Field(
        10.0, gt=0, le=60, description="Seconds a venue may take to answer an order; a slower one is UNKNOWN."
    )
    ledger_check_every_s: float = Field(
        3_600.0,
        ge=10,
        le=86_400,
        description="Seconds between two comparisons of each account's recent orders with what its venue lists.",
    )
    trusted_proxies: Networks = Field(
        (),
        description="Addresses or networks of your own proxies, parted by commas: their X-Forwarded-For is believed.",
    )
    webhook_sources: Networks = Field(
        (),
        description="Where alerts may come from: `tradingview` (its four addresses), or addresses and networks. "
        "Default: anywhere.",
    )
    webhook_client_certificate: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$",
        description="Header in which a trusted proxy says whose client certificate it verified; alerts without "
        "TradingView's are refused (docs/tradingview.md).",
    )
    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Bearer token with which Prometheus may read /metrics; without it, only an admin may.",
    )
    notification_hosts: Hosts = Field(
        (),
        description="Hosts, parted by commas, that notifications may reach though they are private: your own ntfy or gotify.",
    )
    allow_live: bool = Field(False, description="Whether accounts of environment `live` may trade real money.")

    @field_validator("data_dir", "master_key_file")
    @classmethod
    def _expand_home(cls, path: Path) -> Path:
        return path.expanduser()

    @field_validator("notification_hosts", mode="before")
    @classmethod
    def _read_hosts(cls, value: object) -> tuple[str, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
            raise ValueError("a list of host names or addresses is expected")
        return tuple(part.strip().lower() for part in parts if part.strip())

    @field_validator("origins", mode="before")
    @classmethod
    def _read_origins(cls, value: object) -> tuple[str, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
            raise ValueError("a list of origins such as https://my.page is expected")
        named = [part.strip().rstrip("/").lower() for part in parts if part.strip()]
        for one in named:
            if not re.fullmatch(r"https?://[a-z0-9.\[\]:-]+", one):
                raise ValueError(f"{one!r} is no origin such as https://my.page; each is named, there is no *")
        return tuple(named)

    @field_validator("trusted_proxies", "webhook_sources", mode="before")
    @classmethod
    def _read_networks(cls, value: object, info: ValidationInfo) -> tuple[str, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
            raise ValueError("a list of addresses or networks is expected")
        named = [part.strip() for part in parts if part.strip()]
        words = {"tradingview"} if info.field_name == "webhook_sources" else set()
        return tuple(one if one in words else _network(one) for one in named)

    @field_validator("webhook_client_certificate")
    @classmethod
    def _certificate_needs_a_proxy(cls, header: str | None, info: ValidationInfo) -> str | None:
        if header is not None and not info.data.get("trusted_proxies"):
            raise ValueError("it needs trusted_proxies, for anybody could send that header")
        return header

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over `.env`, which wins over `copydesk.toml`."""
        del file_secret_settings  # not used
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    def api_url(self, port: int | None = None) -> str:
        """Where people and programs reach the API; `port` where a free one was picked."""
        if self.public_url is not None:
            return str(self.public_url).rstrip("/")
        return f"http://{self.host}:{port or self.port}"


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        raise ValueError(f"{text!r} is no address and no network such as 10.0.0.0/8") from error


def read_settings(**overrides: Any) -> Settings:
    """Raise InvalidInput that names the key and what would be right."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        fields = tuple(_field_error(one) for one in error.errors())
        text = "; ".join(f"{one.field}: {one.problem}" for one in fields)
        raise InvalidInput(f"settings: {text}", fields) from error
    _refuse_unknown(dict(os.environ))  # noqa: TID251  this is the place the rule points to
    return settings


def _field_error(error: Any) -> FieldError:
    name = PREFIX + "__".join(str(part) for part in error["loc"]).upper()
    problem = "no such setting" if error["type"] == "extra_forbidden" else error["msg"]
    return FieldError(name, f"{problem} (see .env.example)")


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A misspelt variable would silently leave its default in force."""
    known = set(_names(Settings, PREFIX))
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            problem = "no such setting (see .env.example)"
            raise InvalidInput(f"settings: {name}: {problem}", (FieldError(name, problem),))


def _names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Of every setting, those of a table behind the table's own."""
    for name, field in model.model_fields.items():
        yield prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name.upper()}__")
