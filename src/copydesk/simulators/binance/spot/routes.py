"""Every spot route in one table."""

from copydesk.simulators.binance.spot import account_routes, market_routes, order_routes
from copydesk.simulators.binance.spot.call import SpotRoutes

ROUTES: SpotRoutes = {**market_routes.ROUTES, **order_routes.ROUTES, **account_routes.ROUTES}
