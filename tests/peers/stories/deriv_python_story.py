"""Deriv's own Python client, unmodified: only its endpoint is another one."""

import asyncio
from itertools import pairwise

from deriv_api import DerivAPI
from deriv_api.errors import ResponseError
from telling import PATIENCE_S, SOCKETS, play, refusal, turn

SYMBOL = "1HZ100V"
TERMS = {
    "contract_type": "CALL",
    "currency": "USD",
    "symbol": SYMBOL,
    "amount": 1,
    "basis": "stake",
    "duration": 1,
    "duration_unit": "t",
}


class Heard:
    """What comes from one of the client's streams."""

    def __init__(self, source):
        self.messages = asyncio.Queue()
        source.subscribe(self.messages.put_nowait, self.messages.put_nowait)

    async def next(self, fits=lambda _: True):
        async with asyncio.timeout(PATIENCE_S):
            while not fits(message := await self.messages.get()):
                pass
            return message


def code(error):
    return error.code if isinstance(error, ResponseError) else repr(error)


async def look_around(api):
    symbols = (await api.active_symbols({"active_symbols": "brief"}))["active_symbols"]
    history = await api.ticks_history({"ticks_history": SYMBOL, "end": "latest", "count": 10})
    candles = await api.ticks_history({"ticks_history": SYMBOL, "end": "latest", "count": 10, "style": "candles"})
    return {
        "ping": (await api.ping({"ping": 1}))["ping"],
        "time": (await api.time({"time": 1}))["time"] > 0,
        "symbol": SYMBOL in {each["symbol"] for each in symbols},
        "contracts": (await api.contracts_for({"contracts_for": SYMBOL}))["contracts_for"]["hit_count"] > 0,
        "history": len(history["history"]["prices"]),
        "candles": len(candles["candles"]),
    }


async def listen(api):
    ticks = Heard(await api.subscribe({"ticks": SYMBOL}))
    candles = Heard(
        await api.subscribe({"ticks_history": SYMBOL, "style": "candles", "granularity": 60, "end": "latest"})
    )
    seen = [(await ticks.next())["tick"]["epoch"] for _ in range(3)]
    first, then = await candles.next(), await candles.next()
    forgotten = await api.forget_all("ticks", "candles")
    return {
        "apart": [later - earlier for earlier, later in pairwise(seen)],
        "candles": [first["msg_type"], then["msg_type"], type(then["ohlc"]["close"]).__name__],
        "forgotten": len(forgotten["forget_all"]),
    }


async def trade(api):
    """Wins at the second tick after the purchase, because the price is put up behind the entry."""
    proposal = (await api.proposal({"proposal": 1, **TERMS}))["proposal"]
    by_id = (await api.buy({"buy": proposal["id"], "price": 1}))["buy"]
    contract = Heard(await api.subscribe({"buy": "1", "price": 1, "parameters": TERMS}))
    receipt = (await contract.next())["buy"]
    await contract.next(lambda message: "entry_tick" in message["proposal_open_contract"])
    await turn("price", symbol=SYMBOL, price="1600", hold=True)
    over = (await contract.next(lambda message: message["proposal_open_contract"]["is_sold"]))["proposal_open_contract"]
    profits = (await api.profit_table({"profit_table": 1}))["profit_table"]["transactions"]
    statement = (await api.statement({"statement": 1}))["statement"]["transactions"]
    return {
        "payout": proposal["payout"],
        "balance": receipt["balance_after"],
        "over": [over["status"], over["profit"], over["contract_id"] == receipt["contract_id"]],
        "bought": {each["contract_id"] for each in profits} == {by_id["contract_id"], receipt["contract_id"]},
        "statement": sorted(each["action_type"] for each in statement),
        "portfolio": (await api.portfolio({"portfolio": 1}))["portfolio"]["contracts"],
        "again": await refusal(api.sell({"sell": receipt["contract_id"], "price": 0}), code),
    }


async def story():
    api = DerivAPI(endpoint=SOCKETS, app_id=1089)
    try:
        seen = {"around": await look_around(api)}
        seen["errors"] = {
            "anonymous": await refusal(api.balance({"balance": 1}), code),
            "token": await refusal(api.authorize({"authorize": "wrong"}), code),
            "symbol": await refusal(api.ticks({"ticks": "R_101"}), code),
            "shape": await refusal(api.proposal({"proposal": 1, **TERMS, "contract_type": "LUCK"}), code),
            "unknown": await refusal(api.send({"paris": 1}), code),
        }
        signed_in = (await api.authorize({"authorize": "peer-token"}))["authorize"]
        seen["account"] = [signed_in["balance"], signed_in["currency"]]
        seen["streams"] = await listen(api)
        seen["trade"] = await trade(api)
        return seen
    finally:
        await api.clear()


play(story)
