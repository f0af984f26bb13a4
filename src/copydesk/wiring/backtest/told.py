"""A backtest in words and figures, the same on the terminal and on the page."""

from collections.abc import Sequence
from decimal import Decimal

from copydesk.domain.instrument import plain
from copydesk.strategies.ruin import RuinCard
from copydesk.wiring.backtest.play import Found

Told = tuple[str, str, "float | Decimal | None"]
"""A figure's name, as it is read, and the value that its colour goes by (None: neither good nor bad)."""


def money(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def price(value: Decimal) -> str:
    """No zeros behind what counts."""
    return plain(round(value, 8))


def pct(value: float | Decimal | None) -> str:
    return "–" if value is None else f"{value:.2f} %"


def figures_told(found: Found) -> list[Told]:
    figures = found.figures
    told: list[Told] = [
        ("end balance", money(figures.balance), None),
        ("net result", money(figures.net), figures.net),
        ("return", pct(figures.return_pct), figures.return_pct),
        ("market alone", pct(figures.buy_and_hold_pct), figures.buy_and_hold_pct),
        ("deepest drawdown", pct(figures.max_drawdown_pct), -figures.max_drawdown_pct),
        ("contracts" if found.ladders else "trades", f"{figures.trades:,}", None),
        ("win rate", pct(figures.win_rate_pct), None),
        (
            "profit factor",
            _ratio(figures.profit_factor),
            None if figures.profit_factor is None else figures.profit_factor - 1,
        ),
        ("average win", money(figures.average_win), None),
        ("average loss", money(figures.average_loss), None),
        ("best", money(figures.best), None),
        ("worst", money(figures.worst), None),
        ("losses in a row", str(figures.losses_in_a_row), None),
        ("Sharpe, a year", _ratio(figures.sharpe), figures.sharpe),
        ("time in the market", pct(figures.exposure_pct), None),
        ("fees", money(figures.fees), None),
        ("funding", money(figures.funding), None),
    ]
    if found.ladders is not None:
        told += [
            ("ladders", f"{found.ladders.count:,}", None),
            ("ended by a win", f"{found.ladders.won:,}", None),
            ("ended at a loss", f"{found.ladders.lost:,}", -float(found.ladders.lost)),
            ("deepest level", str(found.ladders.deepest_level), None),
        ]
    return told


def assumptions(found: Found) -> list[str]:
    """What stands between these figures and an account."""
    if found.ladders is not None or found.card is not None:
        return [
            (
                "A contract begins at the open of the candle after the decision and ends with the last close at or before its "
                "expiry; at the venue it is the first tick after the purchase and the last one before the expiry."
            ),
            f"A won contract pays {found.terms.payout} for 1 staked, always; the venue quotes each one anew.",
            "A price that ends where it began loses.",
        ]
    terms = found.terms
    size = "the whole balance" if terms.size_usd is None else f"{money(terms.size_usd)}"
    return [
        "A decision is made at a candle's close and filled at the next one's open, worse by the slippage.",
        (
            "Stops are looked at from the candle of the fill on. A candle that touches both is taken to have touched the stop "
            "loss first; one that opens beyond a stop or target fills at its open."
        ),
        (
            f"Fees {pct(terms.fee_pct)} and slippage {pct(terms.slippage_pct)} on each side, funding {plain(terms.funding_pct)} % every eight "
            f"hours on the entry's value; each position takes {size}, without leverage."
        ),
        "What is open at the end is closed at the last close. Nothing is liquidated in between.",
        (
            "Sharpe: mean over deviation of the account's returns from candle to candle, times the root of the candles a year; "
            "no interest is taken off."
        ),
    ]


def card_rows(card: RuinCard) -> list[tuple[str, ...]]:
    return [
        (
            str(one.level),
            money(one.stake),
            money(-one.lost_so_far),
            money(one.balance_left),
            f"{one.net_if_won:+,.2f}",
            f"{one.chance_pct:.4f} %",
            ", ".join(one.limits),
        )
        for one in card.levels
    ]


def card_sentences(card: RuinCard) -> Sequence[str]:
    """What the table of a ruin card comes to."""
    said = []
    if card.first_losing_win is not None:
        said.append(
            f"From level {card.first_losing_win} on even a win leaves the ladder with a loss, at a payout of {card.payout}."
        )
    if not card.funded:
        total = card.levels[-1].lost_so_far
        said.append(f"The balance of {money(card.balance)} cannot fund the whole ladder, which costs {money(total)}.")
    if card.last_level == 0:
        return [*said, "Not even the first level can be played."]
    if card.last_level < len(card.levels):
        said.append(f"A limit ends a losing ladder after level {card.last_level} of {len(card.levels)}.")
    said.append(
        f"One ladder in {1 / float(card.chance_of_the_end_pct / 100):,.0f} meets its end ({card.chance_of_the_end_pct:f} %) and "
        f"loses {money(card.loss_at_the_end)}; after {card.ladders_to_even_odds or 1:,} ladders that has more likely happened than not."
    )
    said.append(
        f"On average a ladder's result is {card.expected_result:+f}, if each contract wins {pct(card.win_chance * 100)} of the time."
    )
    return said


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
