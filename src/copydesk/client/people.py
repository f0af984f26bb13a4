"""Models of signing in, of users, and of what the server holds for each of them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from copydesk.client.fields import (
    ABSENT,
    Answer,
    Change,
    Lots,
    LotsInAll,
    Mt5Login,
    Name,
    Password,
    Request,
    Text,
    Username,
)
from copydesk.domain import terminal
from copydesk.domain.terminal import CopyMode
from copydesk.domain.user import PLAN, Role, UserStatus


class TokenAnswer(Answer):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  a scheme's name, not a secret
    expires_in: int = Field(description="seconds")
    role: Role


class RefreshRequest(Request):
    refresh_token: str = Field(min_length=1, max_length=200)


class LogoutRequest(Request):
    refresh_token: str | None = Field(None, max_length=200, description="absent: every session of the user ends")


class NewUser(Request):
    username: Username
    password: Password
    role: Role
    status: UserStatus = UserStatus.ACTIVE
    allowed_mt5_id: Mt5Login | None = Field(None, description="the one MT5 login this user may trade from")
    mt5_path: Text | None = Field(None, description="where the terminal is on the user's machine")
    subscription: Name = Field(PLAN, description="the name of the plan")


class UserChange(Change):
    username: Username = ABSENT
    password: Password = ABSENT
    role: Role = ABSENT
    status: UserStatus = ABSENT
    allowed_mt5_id: Mt5Login | None = Field(None, description="null: any MT5 login")
    mt5_path: Text | None = None
    subscription: Name = ABSENT


class UserAnswer(Answer):
    id: str
    username: str
    role: Role
    status: UserStatus
    allowed_mt5_id: int | None
    mt5_path: str | None
    subscription: str
    created_at: datetime
    updated_at: datetime


class Profile(Answer):
    id: str
    username: str
    role: Role
    allowed_mt5_id: int | None
    mt5_path: str | None
    subscription: str


_DEFAULT = terminal.TradeCopy()

Points = Annotated[int, Field(ge=0, le=100_000)]
Orders = Annotated[int, Field(ge=0, le=1_000)]
Trades = Annotated[int, Field(ge=0, le=10_000)]


class TradeCopy(Answer):
    """How an MT5 copier sizes and guards; null is no limit."""

    mode: CopyMode = _DEFAULT.mode
    fixed_lot: Lots = _DEFAULT.fixed_lot
    multiplier: Lots = _DEFAULT.multiplier
    max_slippage_points: Points | None = _DEFAULT.max_slippage_points
    max_spread_points: Points | None = _DEFAULT.max_spread_points
    max_orders_per_symbol: Orders | None = _DEFAULT.max_orders_per_symbol
    max_exposure_trades: Trades | None = _DEFAULT.max_exposure_trades
    max_exposure_lots: LotsInAll | None = _DEFAULT.max_exposure_lots


class UserConfig(Answer):
    """Per-user configuration held by the server; it wins over local files."""

    trade_copy: TradeCopy = Field(default_factory=TradeCopy)


class TradeCopyChange(Change):
    """What is not told stays as it was; null is no limit."""

    mode: CopyMode = ABSENT
    fixed_lot: Lots = ABSENT
    multiplier: Lots = ABSENT
    max_slippage_points: Points | None = None
    max_spread_points: Points | None = None
    max_orders_per_symbol: Orders | None = None
    max_exposure_trades: Trades | None = None
    max_exposure_lots: LotsInAll | None = None


class UserConfigChange(Request):
    trade_copy: TradeCopyChange = Field(default_factory=TradeCopyChange)
