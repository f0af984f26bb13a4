"""The terminal's numbers that the broker decides by, with the texts it answers (MetaTrader5 5.0.6231)."""

from enum import IntEnum


class Retcode(IntEnum):
    """What a trade request ended with; OK is order_check's success."""

    OK = 0
    REQUOTE = 10004
    REJECT = 10006
    CANCEL = 10007
    PLACED = 10008
    DONE = 10009
    DONE_PARTIAL = 10010
    ERROR = 10011
    TIMEOUT = 10012
    INVALID = 10013
    INVALID_VOLUME = 10014
    INVALID_PRICE = 10015
    INVALID_STOPS = 10016
    TRADE_DISABLED = 10017
    MARKET_CLOSED = 10018
    NO_MONEY = 10019
    PRICE_CHANGED = 10020
    PRICE_OFF = 10021
    INVALID_EXPIRATION = 10022
    ORDER_CHANGED = 10023
    TOO_MANY_REQUESTS = 10024
    NO_CHANGES = 10025
    SERVER_DISABLES_AT = 10026
    CLIENT_DISABLES_AT = 10027
    LOCKED = 10028
    FROZEN = 10029
    INVALID_FILL = 10030
    CONNECTION = 10031
    ONLY_REAL = 10032
    LIMIT_ORDERS = 10033
    LIMIT_VOLUME = 10034
    INVALID_ORDER = 10035
    POSITION_CLOSED = 10036
    INVALID_CLOSE_VOLUME = 10038
    CLOSE_ORDER_EXIST = 10039
    LIMIT_POSITIONS = 10040
    REJECT_CANCEL = 10041
    LONG_ONLY = 10042
    SHORT_ONLY = 10043
    CLOSE_ONLY = 10044
    FIFO_CLOSE = 10045


# "Request executed", "Done" and "Unsupported filling mode" are documented samples; the other texts are the names in words.
TEXTS = {
    Retcode.OK: "Done",
    Retcode.DONE: "Request executed",
    Retcode.DONE_PARTIAL: "Request executed partially",
    Retcode.PLACED: "Order placed",
    Retcode.NO_MONEY: "No money",
    Retcode.INVALID_FILL: "Unsupported filling mode",
    Retcode.PRICE_OFF: "No prices",
    Retcode.SERVER_DISABLES_AT: "AutoTrading disabled by server",
    Retcode.CLIENT_DISABLES_AT: "AutoTrading disabled by client",
    Retcode.CONNECTION: "No connection",
    Retcode.POSITION_CLOSED: "Position doesn't exist",
}


def text_of(code: Retcode) -> str:
    return TEXTS.get(code, code.name.replace("_", " ").capitalize())


class Action(IntEnum):
    DEAL = 1
    PENDING = 5
    SLTP = 6
    MODIFY = 7
    REMOVE = 8
    CLOSE_BY = 10


class OrderType(IntEnum):
    BUY = 0
    SELL = 1
    BUY_LIMIT = 2
    SELL_LIMIT = 3
    BUY_STOP = 4
    SELL_STOP = 5
    BUY_STOP_LIMIT = 6
    SELL_STOP_LIMIT = 7
    CLOSE_BY = 8

    @property
    def is_buy(self) -> bool:
        return self in {OrderType.BUY, OrderType.BUY_LIMIT, OrderType.BUY_STOP, OrderType.BUY_STOP_LIMIT}

    @property
    def is_limit(self) -> bool:
        return self in {OrderType.BUY_LIMIT, OrderType.SELL_LIMIT}

    @property
    def is_stop_limit(self) -> bool:
        return self in {OrderType.BUY_STOP_LIMIT, OrderType.SELL_STOP_LIMIT}

    @property
    def is_pending(self) -> bool:
        return OrderType.BUY_LIMIT <= self <= OrderType.SELL_STOP_LIMIT


class OrderState(IntEnum):
    STARTED = 0
    PLACED = 1
    CANCELED = 2
    PARTIAL = 3
    FILLED = 4
    REJECTED = 5
    EXPIRED = 6


class Filling(IntEnum):
    FOK = 0
    IOC = 1
    RETURN = 2
    BOC = 3


class Lifetime(IntEnum):
    GTC = 0
    DAY = 1
    SPECIFIED = 2
    SPECIFIED_DAY = 3


class Reason(IntEnum):
    """Why an order, a deal or a position came to be; the three share these numbers."""

    CLIENT = 0
    MOBILE = 1
    WEB = 2
    EXPERT = 3
    STOP_LOSS = 4
    TAKE_PROFIT = 5
    STOP_OUT = 6


class Entry(IntEnum):
    IN = 0
    OUT = 1
    INOUT = 2
    OUT_BY = 3


class DealType(IntEnum):
    BUY = 0
    SELL = 1
    BALANCE = 2


class Execution(IntEnum):
    REQUEST = 0
    INSTANT = 1
    MARKET = 2
    EXCHANGE = 3


class Calculation(IntEnum):
    FOREX = 0
    CFD = 2
    CFD_INDEX = 3
    CFD_LEVERAGE = 4


class TradeMode(IntEnum):
    DISABLED = 0
    LONG_ONLY = 1
    SHORT_ONLY = 2
    CLOSE_ONLY = 3
    FULL = 4


class MarginMode(IntEnum):
    NETTING = 0
    EXCHANGE = 1
    HEDGING = 2
