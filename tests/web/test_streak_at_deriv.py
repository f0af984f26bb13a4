"""A strategy bot whose own book is at Deriv: a streak, a ladder that loses and wins, and a follower beside it."""

from decimal import Decimal

import pytest

from copydesk.domain.user import Role
from deriv_support import SYMBOL, DeskTime, running_deriv
from strategy_support import start, status_of
from web_support import ACCOUNTS, BOTS, EXECUTIONS, running_hub

LADDER = {"delay_threshold": 1, "max_level": 3, "initial_stake": "1.00", "multiplier": "2.0", "max_drawdown": 90}


class Scene:
    """A simulated venue, its time, and a desk with a streak bot and one follower."""

    def __init__(self, simulator, clock, desk):
        self.simulator = simulator
        self.clock = clock
        self.desk = desk

    async def account(self, owner, token):
        wish = {"name": "Options", "venue": "deriv", "environment": "simulator", "token": token}
        answer = await owner.post(ACCOUNTS, json=wish)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def contracts(self, token):
        return [(one["type"], one["buy_price"], one["status"]) for one in await self.simulator.contracts(token)]

    async def pass_time_until(self, fits, within_s, *people):
        """Moves the venue's time and the desk's; these people stay signed in."""
        for _ in range(within_s):
            if await fits():
                return
            await self.clock.pass_time(1)
            for person in people:
                person.token = self.desk.hub.tokens.access(person.user, self.clock.now())
        raise AssertionError("it did not happen in time")


@pytest.fixture
async def scene(tmp_path):
    async with running_deriv(virtual_time=True) as simulator:
        clock = DeskTime(simulator)
        await simulator.hold("1500")
        await clock.pass_time(2)
        async with running_hub(tmp_path, deriv_url=simulator.url, clock=clock) as desk:
            yield Scene(simulator, clock, desk)


@pytest.mark.timeout(400)
async def test_a_ladder_at_deriv_is_settled_by_its_contracts_and_copied_with_the_followers_own_stake(scene):
    owner, follower = await scene.desk.person(Role.ADMIN), await scene.desk.person()
    (own, _), (theirs, _) = [await scene.simulator.open_account() for _ in range(2)]
    book, account = await scene.account(owner, own), await scene.account(follower, theirs)
    wish = {"name": "Streak", "source": "strategy", "strategy": "streak", "market_type": "options", "symbols": [SYMBOL]}
    made = await owner.post(BOTS, json=wish | {"exchange_account_id": book["id"], "settings": LADDER})
    assert made.status_code == 201, made.text
    bot = made.json()
    await scene.desk.subscription(follower, bot, account, custom_margin_usd=5)
    assert await start(owner, bot) == "RUNNING"

    async def first_level():
        return await scene.contracts(own)

    # The candle closes below its open, and what is bought against it at 1,499 does not rise: the first level is lost.
    await scene.simulator.hold("1499")
    await scene.pass_time_until(first_level, 130, owner, follower)
    assert (await first_level())[0][:2] == ("CALL", "1.00")

    async def second_level():
        return len(await scene.contracts(own)) > 1

    await scene.pass_time_until(second_level, 90, owner, follower)
    await scene.clock.pass_time(3)
    await scene.simulator.hold("1510")

    async def ladder_is_over():
        answer = await owner.get("/api/trades", params={"bot_id": bot["id"]})
        return answer.json()

    await scene.pass_time_until(ladder_is_over, 90, owner, follower)
    (trade,) = await ladder_is_over()

    assert await scene.contracts(own) == [("CALL", "1.00", "lost"), ("CALL", "2.00", "won")]
    profits = [Decimal(one["sell_price"]) - Decimal(one["buy_price"]) for one in await scene.simulator.contracts(own)]
    assert (trade["result"], trade["final_level"], Decimal(str(trade["profit"]))) == ("WIN", 2, sum(profits))
    assert await scene.contracts(theirs) == [("CALL", "5.00", "lost"), ("CALL", "5.00", "won")]
    opened = (await follower.get(EXECUTIONS, params={"leg": "open"})).json()["items"]
    assert {one["state"] for one in opened} == {"FILLED"}
    assert (await status_of(owner, bot))["status"] == "RUNNING"
