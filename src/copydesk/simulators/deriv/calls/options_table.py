"""The new API's requests: the legacy ones with what was renamed, removed or relaxed (facts §5.1, the comparison pages)."""

from collections.abc import Mapping
from dataclasses import replace

from copydesk.simulators.deriv.calls import market_calls
from copydesk.simulators.deriv.calls.call import Call, Route
from copydesk.simulators.deriv.calls.fields import Field, choice, text
from copydesk.simulators.deriv.calls.session import Answer, Json
from copydesk.simulators.deriv.calls.table import LEGACY_ROUTES

# Who is signed in is settled by the address; what else is missing belongs to the legacy API alone.
_GONE = frozenset({"authorize", "get_account_status", "logout", "payout_currencies", "sell_expired"})
_REMOVED = {
    "balance": frozenset({"account"}),
    "contracts_for": frozenset({"currency"}),
}
_REMOVED_EVERYWHERE = frozenset(
    {
        "barrier_range",
        "date_start",
        "landing_company",
        "landing_company_short",
        "loginid",
        "product_type",
        "trading_period_start",
    }
)
_FLAGS = frozenset({"adjust_start_time", "subscribe"})
_RELAXED = {"buy": text(needed=True), "contract_type": text()}
_RENAMED = {
    "display_name": "underlying_symbol_name",
    "pip": "pip_size",
    "symbol_type": "underlying_symbol_type",
}
_UNTOLD = frozenset(
    {
        "market_display_name",
        "spot",
        "spot_age",
        "spot_percentage_change",
        "spot_time",
        "subgroup_display_name",
        "submarket_display_name",
    }
)


def _active_symbols(call: Call) -> list[Answer]:
    return [
        replace(each, content=[_renamed(row) for row in each.content]) for each in market_calls.active_symbols(call)
    ]


def _renamed(row: Json) -> Json:
    return {_RENAMED.get(name, name): value for name, value in row.items() if name not in _UNTOLD}


def _route(name: str, route: Route) -> Route:
    removed = _REMOVED_EVERYWHERE | _REMOVED.get(name, frozenset())
    fields = _fields(route.fields, removed)
    return replace(route, fields=fields, answer=_active_symbols if name == "active_symbols" else route.answer)


def _fields(fields: Mapping[str, Field], removed: frozenset[str]) -> dict[str, Field]:
    """The same fields as the new API has them, inside of `parameters` too."""
    found: dict[str, Field] = {}
    for name, field in fields.items():
        if name in removed:
            continue
        if name in _FLAGS:
            found[name] = replace(choice(0, 1), needed=field.needed)
        elif name in _RELAXED and str in field.types:
            found[name] = replace(_RELAXED[name], needed=field.needed)
        elif field.inside is not None:
            found[name] = replace(field, inside=_fields(field.inside, removed))
        else:
            found["underlying_symbol" if name == "symbol" else name] = field
    return found


OPTIONS_ROUTES: Mapping[str, Route] = {
    name: _route(name, route) for name, route in LEGACY_ROUTES.items() if name not in _GONE
}
