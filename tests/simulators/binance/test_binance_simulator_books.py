"""Whatever comes, the books add up and no order is taken that the served filters forbid (a state machine of random trading days)."""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
from binance_play_support import Play
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

CENT = Decimal("0.00000001")
START = Decimal(20_000)
TAKER, MAKER = Decimal("0.0005"), Decimal("0.0002")
SYMBOLS = st.sampled_from(["BTCUSDT", "XRPUSDT"])
KEYS = st.sampled_from(["alice", "bob"])
SIDES = st.sampled_from(["BUY", "SELL"])
BASE = {"BTCUSDT": Decimal(95_000), "XRPUSDT": Decimal("2.2")}
UNITS = {"BTCUSDT": Decimal("0.001"), "XRPUSDT": Decimal("0.1")}
TICKS = {"BTCUSDT": Decimal("0.1"), "XRPUSDT": Decimal("0.0001")}
AWRY = st.sampled_from(
    [Decimal(1)] * 12 + [Decimal("0.5")] * 3 + [Decimal("1.0000001"), Decimal(-1), Decimal(0), Decimal(900)]
)

SETTINGS = st.sampled_from(
    [
        *(("/fapi/v1/leverage", {"leverage": each}) for each in (1, 3, 20, 50, 75, 125)),
        *(("/fapi/v1/marginType", {"marginType": each}) for each in ("ISOLATED", "CROSSED")),
        *(("/fapi/v1/positionSide/dual", {"dualSidePosition": each}) for each in ("true", "false")),
        *(("/fapi/v1/countdownCancelAll", {"countdownTime": each}) for each in (0, 1_000, 500_000)),
    ]
)


def number(value):
    return f"{value:f}"


def filters_of(play):
    """The rules as exchangeInfo serves them, by symbol and filter."""
    info = play.ask("alice", "GET", "/fapi/v1/exchangeInfo")
    return {row["symbol"]: {each["filterType"]: each for each in row["filters"]} for row in info["symbols"]}


class TradingDays(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.play = Play()
        self.play.do("open", "alice", START)
        self.play.do("open", "bob", START, hedge=True)
        self.filters = filters_of(self.play)
        for key in ("alice", "bob"):
            self.play.do("ask", key, "POST", "/fapi/v1/marginType", symbol="XRPUSDT", marginType="ISOLATED")

    @rule(symbol=SYMBOLS, percent=st.integers(-12, 12), apart=st.sampled_from([0, 0, 0, -7, 7]), hold=st.booleans())
    def move_price(self, symbol, percent, apart, hold):
        price = self.on_tick(symbol, BASE[symbol] * (100 + percent) / 100)
        mark = self.on_tick(symbol, price * (100 + apart) / 100) if apart and hold else None
        self.play.do("price", symbol, number(price), hold=hold, mark=None if mark is None else number(mark))

    @rule(milliseconds=st.sampled_from([250, 1_000, 60_000, 700_000, 3_600_000, 9 * 3_600_000]))
    def let_time_pass(self, milliseconds):
        self.play.do("advance", milliseconds)

    @rule(
        symbol=SYMBOLS,
        share=st.sampled_from(["1", "0.05", "0.0005", "0.0001", "0"]),
        rate=st.sampled_from(["0.0001", "-0.0003", "0.01", "-0.01"]),
    )
    def change_market(self, symbol, share, rate):
        self.play.do("liquidity", symbol, share)
        self.play.do("rate", symbol, rate)

    @rule(key=KEYS, symbol=SYMBOLS, side=SIDES, units=st.integers(10, 200), longer=st.booleans())
    def open_at_market(self, key, symbol, side, units, longer):
        """A sound order: the days should not consist of refusals."""
        hedge = self.play.account(key).hedge
        wish = {
            "symbol": symbol,
            "side": side,
            "type": "MARKET",
            "quantity": number(units * UNITS[symbol] * (1 if symbol == "BTCUSDT" else 100)),
            "positionSide": ("LONG" if (side == "BUY") == longer else "SHORT") if hedge else None,
            "reduceOnly": None,
            "newOrderRespType": "RESULT",
        }
        before = self.standing(key, symbol)
        status, answer = self.play.do("ask", key, "POST", "/fapi/v1/order", **wish)
        if status == 200:
            self.judge(wish, answer, before)

    @rule(key=KEYS, symbol=SYMBOLS, side=SIDES, units=st.integers(10, 200), away=st.integers(-20, 20))
    def wait_near_the_price(self, key, symbol, side, units, away):
        hedge = self.play.account(key).hedge
        wish = {
            "symbol": symbol,
            "side": side,
            "quantity": number(units * UNITS[symbol] * (1 if symbol == "BTCUSDT" else 100)),
            "positionSide": ("LONG" if side == "BUY" else "SHORT") if hedge else None,
            "reduceOnly": None,
            **self.limit_of(symbol, away, "GTC"),
        }
        before = self.standing(key, symbol)
        status, answer = self.play.do("ask", key, "POST", "/fapi/v1/order", **wish)
        if status == 200:
            self.judge(wish, answer, before)

    @rule(
        key=KEYS,
        symbol=SYMBOLS,
        side=SIDES,
        units=st.integers(1, 4_000),
        awry=AWRY,
        limit=st.one_of(st.none(), st.integers(-60, 60)),
        time_in_force=st.sampled_from(["GTC", "GTC", "IOC", "FOK", "GTX", "GTD"]),
        reduce=st.sampled_from([None, None, "true", "false"]),
        position_side=st.sampled_from(["LONG", "SHORT"]),
        prevention=st.sampled_from([None, "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"]),
    )
    def place_order(self, key, symbol, side, units, awry, limit, time_in_force, reduce, position_side, prevention):
        hedge = self.play.account(key).hedge
        wish = {
            "symbol": symbol,
            "side": side,
            "quantity": number(units * UNITS[symbol] * awry),
            "positionSide": position_side if hedge else None,
            "reduceOnly": None if hedge else reduce,
            "selfTradePreventionMode": prevention,
            "newOrderRespType": "RESULT",
            **self.limit_of(symbol, limit, time_in_force),
        }
        before = self.standing(key, symbol)
        status, answer = self.play.do("ask", key, "POST", "/fapi/v1/order", **wish)
        if status == 200:
            self.judge(wish, answer, before)

    @rule(key=KEYS, symbol=SYMBOLS, side=SIDES, units=st.integers(1, 900), away=st.integers(1, 900), up=st.booleans())
    def place_stop(self, key, symbol, side, units, away, up):
        hedge = self.play.account(key).hedge
        price = self.on_tick(symbol, BASE[symbol] * (10_000 + (away if up else -away)) / 10_000)
        wish = {
            "algoType": "CONDITIONAL",
            "symbol": symbol,
            "side": side,
            "type": "STOP_MARKET",
            "quantity": number(units * UNITS[symbol]),
            "triggerPrice": number(price),
            "positionSide": ("LONG" if side == "SELL" else "SHORT") if hedge else None,
            "reduceOnly": None if hedge else "true",
        }
        self.play.do("ask", key, "POST", "/fapi/v1/algoOrder", **wish)

    @rule(key=KEYS, which=st.integers(0, 50), units=st.integers(1, 3_000), limit=st.integers(-60, 60))
    def amend_order(self, key, which, units, limit):
        order = self.some_open_order(key, which)
        if order is None:
            return
        price = self.limit_of(order.symbol, limit, "GTC")["price"]
        wish = {"symbol": order.symbol, "orderId": order.order_id, "side": order.side, "price": price}
        before = {**self.standing(key, order.symbol), "executed": order.executed}
        quantity = number(units * UNITS[order.symbol])
        status, answer = self.play.do("ask", key, "PUT", "/fapi/v1/order", **wish, quantity=quantity)
        if status == 200 and answer["status"] != "CANCELED":
            asked = {**wish, "quantity": quantity, "reduceOnly": str(order.reduce_only).lower()}
            self.judge(asked | {"type": "LIMIT", "positionSide": order.position_side}, answer, before)

    @rule(key=KEYS, which=st.integers(0, 50))
    def cancel_order(self, key, which):
        order = self.some_open_order(key, which)
        if order is not None:
            self.play.do("ask", key, "DELETE", "/fapi/v1/order", symbol=order.symbol, orderId=order.order_id)

    @rule(key=KEYS, symbol=SYMBOLS, setting=SETTINGS)
    def change_setting(self, key, symbol, setting):
        path, params = setting
        where = {} if path.endswith("dual") else {"symbol": symbol}
        self.play.do("ask", key, "POST", path, **where, **params)

    @precondition(lambda self: any(self.play.account(key).held("XRPUSDT") for key in ("alice", "bob")))
    @rule(key=KEYS, amount=st.integers(1, 900), kind=st.integers(1, 2))
    def change_margin(self, key, amount, kind):
        for position in list(self.play.account(key).held("XRPUSDT")):
            where = {"symbol": "XRPUSDT", "positionSide": position.side, "type": kind}
            self.play.do("ask", key, "POST", "/fapi/v1/positionMargin", **where, amount=amount)

    @rule(key=KEYS, balance=st.integers(0, 40_000))
    def deposit(self, key, balance):
        self.play.do("deposit", key, balance)

    @precondition(lambda self: any(self.play.ledger()["positions"]))
    @rule(key=KEYS, how=st.sampled_from(["liquidate", "deleverage", "settle"]), symbol=SYMBOLS)
    def close_by_force(self, key, how, symbol):
        details = {"liquidate": (key,), "deleverage": (key, "0.4"), "settle": (symbol,)}[how]
        self.play.do(how, *details)

    @invariant()
    def wallets_are_what_came_in_and_out(self):
        ledger = self.play.ledger()
        for balance in ledger["balances"]:
            key = balance["account"]
            fills = [fill for fill in ledger["fills"] if fill["account"] == key]
            incomes = [row for row in ledger["incomes"] if row["account"] == key]
            expected = (
                Decimal(balance["start"])
                + sum(Decimal(fill["realized"]) - Decimal(fill["fee"]) for fill in fills)
                + sum(Decimal(row["amount"]) for row in incomes)
            )
            assert Decimal(balance["balance"]) == expected

    @invariant()
    def positions_are_the_sum_of_their_fills(self):
        ledger = self.play.ledger()
        held = {
            (row["account"], row["symbol"], row["position_side"]): Decimal(row["signed_quantity"])
            for row in ledger["positions"]
        }
        summed = {}
        for fill in ledger["fills"]:
            where = (fill["account"], fill["symbol"], fill["position_side"])
            signed = Decimal(fill["quantity"]) * (1 if fill["side"] == "BUY" else -1)
            summed[where] = summed.get(where, Decimal(0)) + signed
        assert held == {where: quantity for where, quantity in summed.items() if quantity}

    @invariant()
    def each_fill_pays_its_rate_and_each_order_has_its_fills(self):
        ledger = self.play.ledger()
        orders = {row["order_id"]: row for row in ledger["orders"]}
        executed = {}
        for fill in ledger["fills"]:
            free = orders[fill["order_id"]].get("forced") in {"ADL", "SETTLEMENT"}
            rate = Decimal(0) if free else MAKER if fill["maker"] else TAKER
            notional = Decimal(fill["quantity"]) * Decimal(fill["price"])
            assert Decimal(fill["fee"]) == (notional * rate).quantize(CENT, ROUND_HALF_EVEN)
            executed[fill["order_id"]] = executed.get(fill["order_id"], Decimal(0)) + Decimal(fill["quantity"])
        for order_id, row in orders.items():
            if not order_id.startswith("algo-"):
                assert Decimal(row["executed_quantity"]) == executed.get(order_id, 0) <= Decimal(row["quantity"])
                assert (row["status"] == "FILLED") == (Decimal(row["executed_quantity"]) == Decimal(row["quantity"]))

    @invariant()
    def what_is_available_follows_the_sheets_formula(self):
        for key in ("alice", "bob"):
            account = self.play.ask(key, "GET", "/fapi/v3/account")
            config = {row["symbol"]: row for row in self.play.ask(key, "GET", "/fapi/v1/symbolConfig")}
            cross = [row for row in account["positions"] if config[row["symbol"]]["marginType"] == "CROSSED"]
            bound = sum(abs(Decimal(row["notional"])) / config[row["symbol"]]["leverage"] for row in cross)
            waiting = sum(
                (Decimal(row["origQty"]) - Decimal(row["executedQty"]))
                * Decimal(row["price"])
                / config[row["symbol"]]["leverage"]
                for row in self.play.ask(key, "GET", "/fapi/v1/openOrders")
                if not row["reduceOnly"]
            )
            free = Decimal(account["totalCrossWalletBalance"]) + Decimal(account["totalCrossUnPnl"]) - bound - waiting
            assert abs(Decimal(account["availableBalance"]) - max(free, Decimal(0))) < Decimal("0.000001")

    @invariant()
    def nobody_keeps_a_cross_position_that_margin_does_not_carry(self):
        """Unless it was opened or changed since the market's last step, which is when margin is looked at."""
        for key in ("alice", "bob"):
            if key not in self.play.exchange.unchecked:
                account = self.play.ask(key, "GET", "/fapi/v3/account")
                config = {
                    row["symbol"]: row["marginType"] for row in self.play.ask(key, "GET", "/fapi/v1/symbolConfig")
                }
                cross = [row for row in account["positions"] if config[row["symbol"]] == "CROSSED"]
                upkeep = sum(Decimal(row["maintMargin"]) for row in cross)
                balance = Decimal(account["totalCrossWalletBalance"]) + Decimal(account["totalCrossUnPnl"])
                assert not cross or balance > upkeep - CENT * 10

    def teardown(self):
        """The same deeds once more: the same market, the same answers, the same ledger, to the byte."""
        again = self.play.again()

        assert msgspec.json.encode(again.answers) == msgspec.json.encode(self.play.answers)
        assert msgspec.json.encode(again.ledger()) == msgspec.json.encode(self.play.ledger())

    def on_tick(self, symbol, price):
        return price // TICKS[symbol] * TICKS[symbol]

    def limit_of(self, symbol, limit, time_in_force):
        if limit is None:
            return {"type": "MARKET"}
        last = self.play.exchange.quote(symbol).last
        till = self.play.now_ms + 660_000 if time_in_force == "GTD" else None
        price = self.on_tick(symbol, last * (1_000 + limit) / 1_000)
        return {"type": "LIMIT", "price": number(price), "timeInForce": time_in_force, "goodTillDate": till}

    def some_open_order(self, key, which):
        found = list(self.play.account(key).book.open_orders.values())
        return found[which % len(found)] if found else None

    def standing(self, key, symbol):
        mark = Decimal(self.play.ask(key, "GET", "/fapi/v1/premiumIndex", symbol=symbol)["markPrice"])
        held = {row["positionSide"]: row for row in self.play.ask(key, "GET", "/fapi/v3/positionRisk", symbol=symbol)}
        waiting = self.play.ask(key, "GET", "/fapi/v1/openOrders", symbol=symbol)
        amounts = {side: Decimal(row["positionAmt"]) for side, row in held.items()}
        return {"mark": mark, "amounts": amounts, "waiting": len(waiting)}

    def judge(self, wish, answer, before):
        """What was taken, against the filters as they are served: an independent reading of the rules."""
        rules = self.filters[wish["symbol"]]
        quantity, price = Decimal(wish["quantity"]), Decimal(wish.get("price") or 0)
        lot = rules["MARKET_LOT_SIZE" if wish["type"] == "MARKET" else "LOT_SIZE"]
        assert Decimal(lot["minQty"]) <= quantity <= Decimal(lot["maxQty"])
        assert quantity % Decimal(lot["stepSize"]) == 0
        side = wish["positionSide"] or "BOTH"
        reducing = wish["reduceOnly"] == "true" or ((side == "LONG") == (wish["side"] == "SELL") and side != "BOTH")
        if wish["type"] == "LIMIT":
            self.judge_price(wish["side"], price, rules, before["mark"])
            assert before["waiting"] <= rules["MAX_NUM_ORDERS"]["limit"]
            assert reducing or price * quantity >= Decimal(rules["MIN_NOTIONAL"]["notional"])
        if reducing:
            against = before["amounts"].get(side, Decimal(0)) * (1 if wish["side"] == "SELL" else -1)
            assert 0 < Decimal(answer["origQty"]) - before.get("executed", 0) <= against

    def judge_price(self, side, price, rules, mark):
        tick, band = rules["PRICE_FILTER"], rules["PERCENT_PRICE"]
        assert Decimal(tick["minPrice"]) <= price <= Decimal(tick["maxPrice"])
        assert price % Decimal(tick["tickSize"]) == 0
        if side == "BUY":
            assert price <= mark * Decimal(band["multiplierUp"])
        else:
            assert price >= mark * Decimal(band["multiplierDown"])


TradingDays.TestCase.settings = settings(  # a day takes too long to be shrunk; its deeds are printed as they are
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
TestTradingDays = TradingDays.TestCase
