"""Where orders fill, in whole ticks: the rules of every backtest, written once.

Whole numbers only, so that the plain loop and the compiled one (`vector.py` compiles these very functions) cannot differ by
a rounding. A price of 0 stands for "none"; `way` is 1 for a long and −1 for a short.

- An order fills at the open of the candle after the decision, worse by the slippage, rounded to the worse tick.
- A stop loss rounds to the tick that loses more, a take profit to the one that is harder to reach.
- A candle that opens beyond a stop or a target fills there, at its open.
- A candle that touches both is taken to have touched the stop first.
"""

MILLION = 1_000_000
"""Percentages come as millionths."""

NOT_TOUCHED, STOPPED, TAKEN = 0, 1, 2


def entering(way: int, price: int, slippage: int) -> int:
    return _up(price * (MILLION + slippage)) if way > 0 else max(1, price * (MILLION - slippage) // MILLION)


def leaving(way: int, price: int, slippage: int) -> int:
    return max(1, price * (MILLION - slippage) // MILLION) if way > 0 else _up(price * (MILLION + slippage))


def stop_price(way: int, entry: int, share: int) -> int:
    return entry * (MILLION - share) // MILLION if way > 0 else _up(entry * (MILLION + share))


def target_price(way: int, entry: int, share: int) -> int:
    return _up(entry * (MILLION + share)) if way > 0 else entry * (MILLION - share) // MILLION


def touched(way: int, opened: int, high: int, low: int, stop: int, target: int) -> tuple[int, int]:
    """What a candle did to a position, and at which price."""
    worst, best = (low, high) if way > 0 else (high, low)
    if stop > 0 and way * opened <= way * stop:
        return STOPPED, opened
    if target > 0 and way * opened >= way * target:
        return TAKEN, opened
    if stop > 0 and way * worst <= way * stop:
        return STOPPED, stop
    if target > 0 and way * best >= way * target:
        return TAKEN, target
    return NOT_TOUCHED, 0


def _up(millionths: int) -> int:
    return -(-millionths // MILLION)
