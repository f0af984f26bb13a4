"""The sender's own size: counted only where the bot says so, and never against a follower's own margin."""

from decimal import Decimal

import pytest

from copydesk.domain.bot import PayloadSize
from copydesk.domain.execution import State
from copydesk.domain.signal import Size, SizeUnit
from copydesk.venues.binance.session import BinanceSession
from desk_support import running_desk

AT_REST = Decimal(95_200)


@pytest.fixture
async def sizing_desk(tmp_path, simulator):
    async with running_desk(tmp_path, simulator, bot={"payload_size": PayloadSize.USE}) as running:
        yield running


@pytest.mark.parametrize(
    ("unit", "amount", "quantity"),
    [
        (SizeUnit.BASE, "0.0064", "0.006"),
        (SizeUnit.QUOTE, "1000", "0.010"),
        (SizeUnit.PERCENT, "1", "0.010"),
    ],
)
async def test_the_alerts_own_size_is_used_where_the_bot_says_so(sizing_desk, unit, amount, quantity):
    await sizing_desk.follow()

    (opened,) = await sizing_desk.settled(await sizing_desk.signal("buy", size=Size(unit=unit, amount=Decimal(amount))))

    assert (opened.state, opened.executed_quantity) == (State.FILLED, Decimal(quantity))
    assert "the alert's own" in opened.plan["rule"]
    assert opened.plan["inputs"]["alert_size"].endswith((" base", " quote"))


async def test_a_followers_own_margin_counts_more_than_the_alerts_size(sizing_desk):
    await sizing_desk.follow(custom_margin_usd=Decimal(20), custom_leverage=5)

    size = Size(unit=SizeUnit.BASE, amount=Decimal(3))
    (opened,) = await sizing_desk.settled(await sizing_desk.signal("buy", size=size))

    assert opened.executed_quantity == Decimal("0.001")


async def test_without_the_bots_word_an_alerts_size_is_ignored(desk):
    await desk.follow()

    (opened,) = await desk.settled(await desk.signal("buy", size=Size(unit=SizeUnit.BASE, amount=Decimal(3))))

    assert opened.executed_quantity == Decimal("0.005")


async def test_a_share_of_a_balance_that_cannot_be_read_opens_nothing(sizing_desk):
    follower = await sizing_desk.follow()
    await sizing_desk.settled(await sizing_desk.signal("buy"))
    await sizing_desk.settled(await sizing_desk.signal("close"))
    path = "GET /fapi/v3/account"
    await sizing_desk.simulator.tell("faults", kind="html_502", probability=1, path=path, account=follower.key)

    size = Size(unit=SizeUnit.PERCENT, amount=Decimal(50))
    (skipped,) = await sizing_desk.settled(await sizing_desk.signal("open_long", size=size))

    assert (skipped.state, skipped.plan["rule"]) == (State.SKIPPED, "balance_unknown")


async def test_a_balance_that_makes_no_sense_holds_up_nobody_else(sizing_desk, monkeypatch):
    broken, sound = await sizing_desk.follow(), await sizing_desk.follow()
    balance = BinanceSession.balance

    async def odd(session):
        if session._credentials["api_key"] == broken.key:
            raise KeyError("availableBalance")
        return await balance(session)

    monkeypatch.setattr(BinanceSession, "balance", odd)

    acceptance = await sizing_desk.signal("buy", size=Size(unit=SizeUnit.PERCENT, amount=Decimal(1)))
    states = {one.subscription_id: one.state for one in await sizing_desk.settled(acceptance)}

    assert states == {broken.subscription.id: State.SKIPPED, sound.subscription.id: State.FILLED}
