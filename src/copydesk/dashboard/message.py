"""The message to paste into a TradingView alert."""

SECRET = "paste master_secret here"  # noqa: S105  stands where the secret goes

_MESSAGE = """{
  "secret": "SECRET",
  "tv_exchange": "{{exchange}}",
  "tv_instrument": "{{ticker}}",
  "action": "{{strategy.order.action}}",
  "trigger_price": "{{close}}",
  "timestamp": "{{timenow}}",
  "strategy_info": {
    "market_position": "{{strategy.market_position}}",
    "market_position_size": "{{strategy.market_position_size}}",
    "prev_market_position": "{{strategy.prev_market_position}}",
    "prev_market_position_size": "{{strategy.prev_market_position_size}}"
  },
  "order": {"amount": "{{strategy.order.contracts}}", "currency_type": "base"}
}"""


def message(secret: str = SECRET) -> str:
    """For an alert of a strategy; TradingView fills what stands in double braces."""
    return _MESSAGE.replace("SECRET", secret)
