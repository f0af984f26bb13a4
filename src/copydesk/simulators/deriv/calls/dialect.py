"""What differs between the two faces of the venue (facts §5.1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """``symbol``: the key of the underlying in requests and lists; ``money``: how a contract's values are written.

    ``echoes``: whether answers repeat the request; ``is_limited``: whether there are published limits to keep;
    ``dropped``: fields that are not told, by the name of the message.
    """

    symbol: str
    money: Callable[[Decimal], Any]
    echoes: bool
    is_limited: bool
    dropped: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def told(self, name: str, content: Any) -> Any:
        """The content as this dialect tells it."""
        dropped = self.dropped.get(name, _NOTHING)
        if not dropped or not isinstance(content, dict):
            return content
        return {key: value for key, value in content.items() if key not in dropped}


def _as_number(value: Decimal) -> Decimal:
    return value


LEGACY = Dialect(symbol="symbol", money=_as_number, echoes=True, is_limited=False)
# `echo_req` is optional in the new API: it is left out, so that nobody comes to rely on it.
OPTIONS = Dialect(
    symbol="underlying_symbol",
    money=str,
    echoes=False,
    is_limited=True,
    dropped={
        "contracts_for": frozenset({"close", "feed_license", "open", "spot"}),
        "proposal_open_contract": frozenset(
            {
                "current_spot_display_value",
                "display_name",
                "entry_spot_display_value",
                "entry_tick_display_value",
                "exit_tick_display_value",
                "sell_spot_display_value",
            }
        ),
        "transaction": frozenset({"barrier", "display_name"}),
    },
)
