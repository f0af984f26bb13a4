"""Terminals of one machine: each has a path, a login, an AutoTrading button; programs connect to them by path."""

from dataclasses import dataclass, field

from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.venue import Venue

BUILD = 5430
VERSION = (500, BUILD, "14 Nov 2025")
FIRST_PATH = "C:\\Program Files\\MetaTrader 5\\terminal64.exe"
_PROGRAM = "\\terminal64.exe"
_SEEN_AT_FIRST = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD")


class TerminalError(Exception):
    """What ``last_error`` tells: a code and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


UNAUTHORIZED = (-6, "Terminal: Authorization failed")


@dataclass(slots=True, kw_only=True)
class Terminal:
    """``trade_allowed`` is the AutoTrading button, ``tradeapi_disabled`` the option against Python."""

    path: str
    login: int | None = None
    investor: bool = False
    connected: bool = True
    trade_allowed: bool = True
    tradeapi_disabled: bool = False
    seen: set[str] = field(default_factory=lambda: set(_SEEN_AT_FIRST))
    books: set[str] = field(default_factory=set)
    saved: dict[int, bool] = field(
        default_factory=dict
    )  # logins whose password it remembers, and whether an investor's
    requests: int = 0
    opened: int = 0  # how often its window was; a session belongs to one opening

    def next_request(self) -> int:
        self.requests += 1
        return self.requests


class Terminals:
    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._terminals: dict[str, Terminal] = {}

    def all(self) -> list[Terminal]:
        return list(self._terminals.values())

    def install(self, path: str) -> Terminal:
        """The terminal there, made if it is new."""
        return self._terminals.setdefault(_key(path), Terminal(path=path))

    def adopt(self, terminal: Terminal) -> None:
        """One that was kept in a file."""
        self._terminals[_key(terminal.path)] = terminal

    def sign_in(self, terminal: Terminal, login: int) -> None:
        """As its user would, with the password remembered; every program connected to it sees the new account."""
        terminal.login, terminal.investor = login, False
        terminal.saved[login] = False

    def connect(
        self, path: str | None = None, login: int | None = None, password: str | None = None, server: str | None = None
    ) -> str:
        """A session's name. Raises TerminalError."""
        terminal = self._choose(path, login)
        if login is not None:
            self.log_in(terminal, login, password, server)
        if terminal.login is None:
            raise TerminalError(*UNAUTHORIZED)
        return f"{terminal.opened}:{terminal.path}"

    def log_in(self, terminal: Terminal, login: int, password: str | None = None, server: str | None = None) -> None:
        """Without a password, the one that the terminal remembers. Raises TerminalError; the old login stays then."""
        account = self._venue.accounts.get(login)
        if account is None or server not in {None, "", account.server}:
            raise TerminalError(*UNAUTHORIZED)
        if not password:
            if login not in terminal.saved:
                raise TerminalError(*UNAUTHORIZED)
        elif password not in {account.password, account.investor or account.password}:
            raise TerminalError(*UNAUTHORIZED)
        else:
            terminal.saved[login] = password != account.password
        terminal.login, terminal.investor = login, terminal.saved[login]

    def of(self, session: str | None) -> Terminal:
        """Raises TerminalError for a session that is over."""
        opened, _, path = (session or "").partition(":")
        found = self._terminals.get(_key(path))
        if found is None or str(found.opened) != opened:
            raise TerminalError(-10004, "No IPC connection")
        return found

    def close_sessions(self, terminal: Terminal) -> None:
        """As when the terminal's window is closed: whoever was connected has to initialize again."""
        terminal.opened += 1

    def account(self, terminal: Terminal) -> Account:
        """Raises TerminalError when nobody is logged in."""
        found = self._venue.accounts.get(terminal.login or 0)
        if found is None:
            raise TerminalError(*UNAUTHORIZED)
        return found

    def _choose(self, path: str | None, login: int | None) -> Terminal:
        """By path; else the one where this login is, else the first one."""
        if path:
            found = self._terminals.get(_key(path))
            if found is None:
                raise TerminalError(-10003, f"IPC initialize failed, Process create failed '{path}'")
            return found
        there = (each for each in self._terminals.values() if login is not None and each.login == login)
        first = next(iter(self._terminals.values()), None)
        chosen = next(there, first)
        if chosen is None:
            raise TerminalError(-10003, "IPC initialize failed, MetaTrader 5 x64 not found")
        return chosen


def _key(path: str) -> str:
    """Case, slashes and the program's own name make no difference, as on Windows."""
    return path.lower().replace("/", "\\").rstrip("\\").removesuffix(_PROGRAM)
