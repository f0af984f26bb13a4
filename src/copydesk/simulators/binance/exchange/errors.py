"""The venue's refusals: code, text and HTTP status (fact sheet §2.2)."""

from collections.abc import Mapping

BAD = 400
UNAUTHORIZED = 401

TEXTS: Mapping[int, tuple[int, str]] = {
    -1000: (BAD, "An unknown error occurred while processing the request."),
    -1001: (500, "Internal error; unable to process your request. Please try again."),
    -1003: (429, "Too many requests; current limit is %s requests per minute. Please use the websocket for live updates to avoid polling the API."),
    -1006: (500, "An unexpected response was received from the message bus. Execution status unknown."),
    -1007: (408, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    -1008: (503, "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."),
    -1015: (429, "Too many new orders; current limit is %s orders per %s."),
    -1021: (BAD, "Timestamp for this request is outside of the recvWindow."),
    -1022: (BAD, "Signature for this request is not valid."),
    -1100: (BAD, "Illegal characters found in parameter '%s'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{1,36}$'."),
    -1102: (BAD, "Mandatory parameter '%s' was not sent, was empty/null, or malformed."),
    -1106: (BAD, "Parameter '%s' sent when not required."),
    -1111: (BAD, "Precision is over the maximum defined for this asset."),
    -1115: (BAD, "Invalid timeInForce."),
    -1116: (BAD, "Invalid orderType."),
    -1117: (BAD, "Invalid side."),
    -1120: (BAD, "Invalid interval."),
    -1121: (BAD, "Invalid symbol."),
    -1125: (BAD, "This listenKey does not exist."),
    -1128: (BAD, "Combination of optional parameters invalid."),
    -1130: (BAD, "Data sent for parameter '%s' is not valid."),
    -2010: (BAD, "NEW_ORDER_REJECTED"),
    -2011: (BAD, "Unknown order sent."),
    -2013: (BAD, "Order does not exist."),
    -2014: (UNAUTHORIZED, "API-key format invalid."),
    -2015: (UNAUTHORIZED, "Invalid API-key, IP, or permissions for action."),
    -2018: (BAD, "Balance is insufficient."),
    -2019: (BAD, "Margin is insufficient."),
    -2020: (BAD, "Unable to fill."),
    -2021: (BAD, "Order would immediately trigger."),
    -2022: (BAD, "ReduceOnly Order is rejected."),
    -2025: (BAD, "Reach max open order limit."),
    -2027: (BAD, "Exceeded the maximum allowable position at current leverage."),
    -2028: (BAD, "Leverage is smaller than permitted: insufficient margin balance."),
    -4001: (BAD, "Price less than 0."),
    -4002: (BAD, "Price greater than max price."),
    -4003: (BAD, "Quantity less than or equal to zero."),
    -4004: (BAD, "Quantity less than min quantity."),
    -4005: (BAD, "Quantity greater than max quantity."),
    -4013: (BAD, "Price less than min price."),
    -4014: (BAD, "Price not increased by tick size."),
    -4015: (BAD, "Client order id length should not be more than 36 chars"),
    -4016: (BAD, "Limit price can't be higher than %s."),
    -4023: (BAD, "Quantity not increased by step size."),
    -4024: (BAD, "Limit price can't be lower than %s."),
    -4028: (BAD, "Leverage %s is not valid"),
    -4045: (BAD, "Reach max stop order limit."),
    -4046: (BAD, "No need to change margin type."),
    -4047: (BAD, "Margin type cannot be changed if there exists open orders."),
    -4048: (BAD, "Margin type cannot be changed if there exists position."),
    -4049: (BAD, "Add margin only support for isolated position."),
    -4050: (BAD, "Cross balance insufficient."),
    -4051: (BAD, "Isolated balance insufficient."),
    -4054: (BAD, "Cannot add position margin: position is 0."),
    -4055: (BAD, "Amount must be positive."),
    -4059: (BAD, "No need to change position side."),
    -4061: (BAD, "Order's position side does not match user's setting."),
    -4067: (BAD, "Position side cannot be changed if there exists open orders."),
    -4068: (BAD, "Position side cannot be changed if there exists position."),
    -4082: (BAD, "Invalid number of batch place orders."),
    -4116: (BAD, "ClientOrderId is duplicated."),
    -4118: (BAD, "ReduceOnly Order Failed. Please check your existing position and open orders"),
    -4120: (BAD, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."),
    -4131: (BAD, "The counterparty's best price does not meet the PERCENT_PRICE filter limit"),
    -4144: (BAD, "Invalid pair"),
    -4161: (BAD, "Leverage reduction is not supported in Isolated Margin Mode with open positions"),
    -4164: (BAD, "Order's notional must be no smaller than %s (unless you choose reduce only)"),
    -4167: (BAD, "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode."),
    -4168: (BAD, "Unable to adjust to isolated-margin mode under the Multi-Assets mode."),
    -4170: (BAD, "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures"),
    -4171: (BAD, "Adjusted asset mode is currently set and does not need to be adjusted repeatedly"),
    -5000: (404, "Path %s, Method %s is invalid"),
    -5021: (BAD, "Due to the order could not be filled immediately, the FOK order has been rejected. The order will not be recorded in the order history"),
    -5022: (BAD, "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history"),
    -5025: (BAD, "Only limit order is supported."),
    -5026: (BAD, "Exceed maximum modify order limit."),
    -5027: (BAD, "No need to modify the order."),
    -5037: (BAD, "Invalid price match"),
    -5038: (BAD, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT"),
    -5039: (BAD, "Invalid self trade prevention mode"),
    -5040: (BAD, "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than 253402300799000"),
    -5041: (BAD, "No depth matches this BBO order"),
    -5047: (BAD, "The original order is not a reduce-only order."),
}  # fmt: skip

_AHEAD = "Timestamp for this request was 1000ms ahead of the server's time."
_BANNED = "Way too many requests; IP banned until %s. Please use the websocket for live updates to avoid bans."


class RefusedError(Exception):
    """The venue says no: answered as ``{"code", "msg"}`` with this HTTP status."""

    def __init__(self, code: int, text: str, status: int, *, retry_after_s: int | None = None) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.status = status
        self.retry_after_s = retry_after_s
        self.data: object = None


CODES = frozenset(TEXTS)


def provoked(
    code: int,
    details: tuple[str, ...] = (),
    *,
    status: int | None = None,
    texts: Mapping[int, tuple[int, str]] = TEXTS,
) -> RefusedError:
    """The refusal without its occasion: what its text leaves open and ``details`` do not fill stays a question mark."""
    known_status, text = texts[code]
    open_places = text.count("%s")
    filled = (*details, *("?" * open_places))[:open_places]
    return RefusedError(code, text % filled, status or known_status)


def refused(code: int, *details: object, retry_after_s: int | None = None) -> RefusedError:
    status, text = TEXTS[code]
    return RefusedError(code, text % details, status, retry_after_s=retry_after_s)


def timestamp_ahead() -> RefusedError:
    return RefusedError(-1021, _AHEAD, BAD)


def banned(until_ms: int, retry_after_s: int) -> RefusedError:
    return RefusedError(-1003, _BANNED % until_ms, 418, retry_after_s=retry_after_s)
