"""Orders and accounts for tests of one venue."""

import secrets
from decimal import Decimal

from copydesk.domain.ids import new_id
from copydesk.domain.order import NewOrder
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.domain.subscription import PositionMode
from desk_support import CLOCK
from store_support import make_account


def purchase(venue, *, at=None):
    """A frozen market order of 0.005 BTC; `at` a moment of the venue's own."""
    order = NewOrder(
        client_order_id=f"cd-{new_id(CLOCK.now())}",
        symbol="BTCUSDT",
        leg=LegKind.OPEN,
        side=Side.BUY,
        direction=Direction.LONG,
        quantity=Decimal("0.005"),
        reduce_only=False,
    )
    return venue.freeze(order, mode=PositionMode.ONE_WAY, at=at or CLOCK.now())


async def futures_session(market, venue, *, known=True):
    """Of a new account; one that is not `known` has a key that the market has never seen."""
    key = secrets.token_hex(16)
    if known:
        await market.account(key)
    return venue.open_session(make_account(), {"api_key": key, "api_secret": f"secret-of-{key}"})
