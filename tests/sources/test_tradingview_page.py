"""docs/tradingview.md, proved: each message in its tables becomes what the page says, or is refused with what it says."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from tradingview_support import SECRET, became, read, refuse, told

from copydesk.domain.bot import Meaningless, steer
from copydesk.domain.signal import Direction
from copydesk.sources.tradingview import open_alert, read_alert
from store_support import NOW, make_bot

PAGE = (Path(__file__).parent.parent.parent / "docs/tradingview.md").read_text(encoding="utf-8")
ACCEPTED, REFUSED = "| # | message | becomes |", "| # | message | field | answer |"
POSITIONS = "| position before → now | action | steps for each follower |"
FIRST_LINE = "the bot's secret"


def rows(head):
    """The cells of every table with this head."""
    for table in PAGE.split(head + "\n")[1:]:
        for line in table.split("\n")[1:]:
            if not line.startswith("|"):
                break
            yield tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1])


def message(cell):
    return cell.removeprefix("`").removesuffix("`").replace("⏎", "\n").replace("…", SECRET)


@pytest.mark.parametrize(("number", "alert", "becomes"), list(rows(ACCEPTED)))
def test_an_alert_on_the_page_becomes_what_the_page_says(number, alert, becomes):
    body = message(alert).replace(FIRST_LINE, SECRET)

    assert became(body) == becomes


@pytest.mark.parametrize(("number", "alert", "field", "answer"), list(rows(REFUSED)))
def test_an_alert_that_the_page_calls_refused_is_refused_in_its_words(number, alert, field, answer):
    error = refuse(message(alert))

    assert f"`{error.fields[0].field}`" == field
    assert answer in error.fields[0].problem


def test_the_page_shows_each_of_the_twenty_shapes():
    shown = {int(row[0]) for head in (ACCEPTED, REFUSED) for row in rows(head) if row[0]}

    assert shown == set(range(1, 21))


POSITION = re.compile(r"(flat|long|short) ?(\d?)")


def steps_of(position, action):
    """The steps for a strategy's alert, in the page's words; the bot holds what the strategy held."""
    (before, size_before), (now, size) = POSITION.findall(position)
    alert = {"ticker": "BTCUSDT", "action": action, "market_position": now, "prev_market_position": before}
    sizes = {"market_position_size": size, "prev_market_position_size": size_before}
    course = steer(make_bot(), Direction(before), read(alert | sizes))
    if isinstance(course, Meaningless):
        return "refused"
    words = {Decimal(1): "", Decimal("0.5"): " half"}
    told = [f"{one.leg} {one.direction}{words[one.fraction]}" for one in course.steps]
    return ", then ".join(told) or "nothing"


@pytest.mark.parametrize(("position", "action", "steps"), list(rows(POSITIONS)))
def test_what_a_strategy_s_position_becomes_is_what_the_page_says(position, action, steps):
    said = re.split(r"[;:]| once more", steps)[0]

    assert steps_of(position, action).replace("close flat", "close").replace("close long half", "close half") == said


@pytest.mark.parametrize("row", [row for row in rows(ACCEPTED) if "…" in row[1] or FIRST_LINE in row[1]])
def test_the_secret_of_an_alert_on_the_page_is_found_in_it_and_not_kept(row):
    alert = open_alert(message(row[1]).replace(FIRST_LINE, SECRET).encode())

    found = read_alert(alert, NOW)

    assert alert.secret == SECRET
    assert SECRET not in repr(found)


FILLED_IN = {
    "exchange": "BINANCE",
    "ticker": "BTCUSDT.P",
    "close": "95200.5",
    "time": "2026-03-04T05:06:00Z",
    "timenow": "2026-03-04T05:06:07Z",
    "strategy.order.action": "buy",
    "strategy.order.contracts": "2",
    "strategy.market_position": "long",
    "strategy.market_position_size": "2",
    "strategy.prev_market_position": "flat",
    "strategy.prev_market_position_size": "0",
}


def test_the_messages_to_paste_are_understood_once_tradingview_has_filled_them_in():
    pasted = [block for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "{{" in block]
    filled = [re.sub(r"\{\{(.*?)\}\}", lambda found: FILLED_IN[found[1]], block) for block in pasted]

    found = [[told(one) for one in read_alert(open_alert(block.encode()), NOW)] for block in filled]

    assert found == [
        ["buy BTCUSDT, 2 coins, strategy now long 2, at 95200.5"],
        ["open long BTCUSDT, at 95200.5"],
    ]
