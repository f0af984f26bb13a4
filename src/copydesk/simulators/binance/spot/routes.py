"""Every spot route in one table."""

from typing import Any

from copydesk.simulators.binance.rest.call import Route
from copydesk.simulators.binance.spot import account_routes, list_routes, market_routes, order_routes
from copydesk.simulators.binance.spot.call import SpotCall, SpotRoutes


def listen(call: SpotCall) -> Any:
    """A socket asks for its account's events: nothing to do here but to have let it through the gate."""
    del call
    return {}


# What only the WebSocket API has; the method is none of HTTP's, so no request by HTTP finds it.
LISTEN = ("SOCKET", "/api/v3/userDataStream.subscribe.signature")
ROUTES: SpotRoutes = {
    **market_routes.ROUTES,
    **order_routes.ROUTES,
    **list_routes.ROUTES,
    **account_routes.ROUTES,
    LISTEN: Route(handle=listen, weight=2),
}
