"""Models of MetaTrader 5 terminals: what the program beside one reports, and what the desk shows of it."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from copydesk.client.fields import Answer, Flag, Given, Written
from copydesk.domain.terminal import TerminalRole

Figure = Annotated[
    Given, Field(gt=-1_000_000_000_000, lt=1_000_000_000_000), Written(r"^-?[0-9]{1,12}(\.[0-9]{1,18})?$")
]
Login = Annotated[int, Field(ge=0, le=2**53 - 1, description="an MT5 login; 0 where nobody is logged in")]
ServerName = Annotated[str, Field(max_length=120, pattern=r"^[^\x00]*$")]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Word = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]

LISTED_MAX = 500


class TerminalPosition(Answer):
    """One position as a terminal's window lists it; volume in lots, a stop of 0 is none."""

    model_config = ConfigDict(extra="ignore")

    ticket: int = Field(ge=0, le=10**18)
    symbol: Word
    type: Word
    volume: Figure
    entry: Figure | None = None
    sl: Figure | None = None
    tp: Figure | None = None
    time: datetime | None = None


class TerminalFigures(BaseModel):
    """In the account's currency; what is not told is not known. Pending orders are no positions."""

    model_config = ConfigDict(from_attributes=True, frozen=True, extra="ignore")

    balance: Figure | None = None
    equity: Figure | None = None
    currency: Word | None = None
    leverage: Count | None = None
    margin: Figure | None = None
    margin_free: Figure | None = None
    margin_level: Figure | None = Field(None, description="percent; 0 while no margin is used")
    open_positions: Count | None = None
    trade_allowed: Flag | None = Field(None, description="AutoTrading is on in the terminal")
    signals_sent: Count | None = None
    active_clients: Count | None = Field(
        None,
        description="of a master: active subscriptions of the user's bots that take signed signals, counted by the desk",
    )
    positions: tuple[TerminalPosition, ...] | None = Field(None, max_length=LISTED_MAX)
    signals: tuple[TerminalPosition, ...] | None = Field(
        None, max_length=LISTED_MAX, description="the master's open ones"
    )


class TerminalReport(TerminalFigures):
    """Every 60 s and on every change. A field that is not known here is left aside: older and newer programs may tell others."""

    server: ServerName = ""
    login: Login = 0
    connected: Flag
    role: TerminalRole | None = Field(None, description="absent: a provider's is a master, a follower's a copier")


class TerminalAnswer(TerminalFigures, Answer):
    """`connected` is false, too, where nothing was heard for 90 seconds."""

    user_id: str
    role: TerminalRole
    server: str
    login: int
    connected: bool
    reported_at: datetime


class TerminalsAnswer(TerminalAnswer):
    """The terminal heard of last, and all of the user's."""

    terminals: list[TerminalAnswer]
