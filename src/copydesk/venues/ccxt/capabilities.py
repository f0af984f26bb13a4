"""What is known for certain of each exchange. One that is not listed is trusted with nothing.

Trust is what an order's outcome may be concluded from. Without it every error after the sending is unknown, an
order without the exchange's own id cannot be looked up, and absence is never proved: a person is asked instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from copydesk.domain.bot import MarketType


class ClientIdScope(StrEnum):
    """How far a client order id is unique: not trusted, among open orders only, or for ever."""

    NONE = "none"
    OPEN = "open"
    EVER = "ever"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """`definite` … `not_found` are the exchange's own codes, as text, in the field `code` of its JSON answers.

    `duplicate`: what it says, under a definite code, of an order whose id is there already: then ours may be that one.

    `settle_after`: from then on two "not found" can mean "not placed" (None: never); it counts what the exchange may
    still do with a late request. `history`: how far back a final order can be looked up by our id.
    """

    market: MarketType | None = None
    client_id: ClientIdScope = ClientIdScope.NONE
    settle_after: timedelta | None = None
    history: timedelta = timedelta(0)
    definite: frozenset[str] = frozenset()
    duplicate: str | None = None
    credentials: frozenset[str] = frozenset()
    throttled: frozenset[str] = frozenset()
    not_found: frozenset[str] = frozenset()
    receive_window_ms: int | None = None
    stops: bool = False
    tells_permissions: bool = False
    simulated: bool = False
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def finds_by_client_id(self) -> bool:
        return self.client_id is not ClientIdScope.NONE


UNTRUSTED = Capabilities()

_BINANCE_SPOT = Capabilities(
    market=MarketType.SPOT,
    # "unique among open orders … accepted again once the earlier order is filled" (rest-api.md, newClientOrderId).
    client_id=ClientIdScope.OPEN,
    # recvWindow + clock bound + the venue's own 10 s processing limit + its read lag.
    settle_after=timedelta(seconds=3 + 0.5 + 10 + 2),
    # "Orders with status CANCELED or EXPIRED … over 90 days ago have been archived" (-2026).
    history=timedelta(days=90),
    definite=frozenset(
        {
            *("-1013", "-1020", "-1021", "-1100", "-1101", "-1102", "-1103", "-1104", "-1105", "-1106", "-1108"),
            *("-1111", "-1112", "-1114", "-1115", "-1116", "-1117", "-1118", "-1119", "-1121", "-1128", "-1130"),
            *("-1131", "-1145", "-1151", "-2010"),
        },
    ),
    credentials=frozenset({"-1002", "-1022", "-2014", "-2015"}),
    duplicate="Duplicate order sent.",
    throttled=frozenset({"-1003", "-1015"}),
    not_found=frozenset({"-2011", "-2013"}),
    receive_window_ms=3_000,
    stops=True,
    tells_permissions=True,
    simulated=True,
    options={"fetchMargins": False, "fetchMarkets": {"types": ["spot"]}},
)
"""Sources: binance-spot-api-docs, rest-api.md and errors.md; proved against the simulator's spot surface."""

KNOWN: Mapping[str, Capabilities] = {"binance": _BINANCE_SPOT}

OF_OUR_OWN: Mapping[str, str] = {"binanceusdm": "binance-futures"}
"""Served better by a venue of our own; under two names one key could be two accounts."""
