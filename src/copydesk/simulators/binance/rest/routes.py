"""Every request this venue answers, by method and path."""

from copydesk.simulators.binance.rest import (
    account_routes,
    candle_routes,
    change_routes,
    contract_routes,
    history_routes,
    market_routes,
    order_routes,
    settings_routes,
    trade_routes,
)
from copydesk.simulators.binance.rest.call import Routes

ROUTES: Routes = {
    **market_routes.ROUTES,
    **candle_routes.ROUTES,
    **trade_routes.ROUTES,
    **contract_routes.ROUTES,
    **order_routes.ROUTES,
    **change_routes.ROUTES,
    **account_routes.ROUTES,
    **settings_routes.ROUTES,
    **history_routes.ROUTES,
}
