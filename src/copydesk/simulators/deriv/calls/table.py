"""Every request that is answered, with the shape it must have (the published schemas) and what a token needs for it."""

from collections.abc import Mapping

from copydesk.simulators.deriv.calls import account_calls, market_calls, stream_calls, trade_calls
from copydesk.simulators.deriv.calls.call import Route
from copydesk.simulators.deriv.calls.fields import (
    ANY_NUMBER,
    ANY_OBJECT,
    CURRENCY,
    EPOCH,
    LOGINID,
    ONE,
    SYMBOL,
    Field,
    choice,
    number,
    text,
    whole,
)

_TYPES = choice(
    *[
        "MULTUP",
        "MULTDOWN",
        "UPORDOWN",
        "EXPIRYRANGE",
        "ONETOUCH",
        "CALLE",
        "LBHIGHLOW",
        "ASIAND",
        "EXPIRYRANGEE",
        "DIGITDIFF",
        "DIGITMATCH",
        "DIGITOVER",
    ],
    *[
        "PUTE",
        "DIGITUNDER",
        "NOTOUCH",
        "CALL",
        "RANGE",
        "LBFLOATPUT",
        "DIGITODD",
        "PUT",
        "ASIANU",
        "LBFLOATCALL",
        "EXPIRYMISSE",
        "EXPIRYMISS",
        "DIGITEVEN",
    ],
    *[
        "TICKHIGH",
        "TICKLOW",
        "RESETCALL",
        "RESETPUT",
        "CALLSPREAD",
        "PUTSPREAD",
        "RUNHIGH",
        "RUNLOW",
        "ACCU",
        "VANILLALONGCALL",
        "VANILLALONGPUT",
    ],
    *["TURBOSLONG", "TURBOSSHORT"],
    needed=True,
)
_SOME_TYPES = Field(types=(list,), items=Field(types=(str,), one_of=_TYPES.one_of))
_BARRIER = text(r"(?=.{1,20}$)[+-]?[0-9]+\.?[0-9]*")
_NEEDED_ONE = choice(1, needed=True)
_STREAM_KINDS = frozenset(
    {
        "balance",
        "candles",
        "cashier_payments",
        "crypto_estimations",
        "p2p_advert",
        "p2p_advertiser",
        "p2p_order",
        "p2p_settings",
        "proposal",
        "proposal_open_contract",
        "ticks",
        "trading_platform_asset_listing",
        "transaction",
        "website_status",
    }
)
_STREAMS = Field(types=(str, list), needed=True, one_of=_STREAM_KINDS, items=Field(types=(str,), one_of=_STREAM_KINDS))
_TERMS = {
    "amount": number(0),
    "barrier": _BARRIER,
    "barrier2": _BARRIER,
    "barrier_range": choice("tight", "middle", "wide"),
    "basis": choice("payout", "stake"),
    "cancellation": text(r"\w+"),
    "contract_type": _TYPES,
    "currency": Field(types=(str,), pattern=CURRENCY.pattern, needed=True),
    "date_expiry": EPOCH,
    "date_start": EPOCH,
    "duration": whole(0, 99_999_999),
    "duration_unit": choice("d", "m", "s", "h", "t"),
    "growth_rate": ANY_NUMBER,
    "limit_order": ANY_OBJECT,
    "multiplier": number(0),
    "product_type": choice("basic"),
    "selected_tick": whole(None),
    "symbol": text(SYMBOL, needed=True),
    "trading_period_start": EPOCH,
}
_ACCOUNT = {"loginid": LOGINID}
_DAY_OR_EPOCH = Field(types=(str, int), pattern=r"[0-9]{4}-(0?[1-9]|1[012])-(0?[1-9]|[12][0-9]|3[01])|[0-9]{1,10}")
_GRANULARITIES = choice(60, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)

LEGACY_ROUTES: Mapping[str, Route] = {
    "ping": Route(fields={"ping": _NEEDED_ONE}, answer=market_calls.ping),
    "time": Route(fields={"time": _NEEDED_ONE}, answer=market_calls.time),
    "active_symbols": Route(
        fields={
            "active_symbols": choice("brief", "full", needed=True),
            "landing_company": text(),
            "landing_company_short": text(),
            "product_type": choice("basic"),
            **_ACCOUNT,
        },
        answer=market_calls.active_symbols,
    ),
    "contracts_for": Route(
        fields={
            "contracts_for": text(SYMBOL, needed=True),
            "currency": CURRENCY,
            "landing_company": text(),
            "landing_company_short": text(),
            "product_type": choice("basic"),
            **_ACCOUNT,
        },
        answer=market_calls.contracts_for,
    ),
    "ticks": Route(
        fields={
            "ticks": Field(types=(str, list), needed=True, items=text(SYMBOL)),
            "subscribe": ONE,
        },
        answer=market_calls.ticks,
    ),
    "ticks_history": Route(
        fields={
            "ticks_history": text(SYMBOL, needed=True),
            "adjust_start_time": ONE,
            "count": whole(1),
            "end": Field(types=(str, int), pattern="latest|[0-9]{1,10}", needed=True),
            "granularity": _GRANULARITIES,
            "start": EPOCH,
            "style": choice("candles", "ticks"),
            "subscribe": ONE,
        },
        answer=market_calls.ticks_history,
    ),
    "authorize": Route(
        fields={"authorize": text(r"[\w\-]{1,128}", needed=True), "add_to_login_history": choice(0, 1)},
        answer=account_calls.authorize,
    ),
    "logout": Route(fields={"logout": _NEEDED_ONE}, answer=account_calls.logout),
    "get_account_status": Route(
        fields={"get_account_status": _NEEDED_ONE, **_ACCOUNT},
        answer=account_calls.get_account_status,
        scope="read",
    ),
    "payout_currencies": Route(
        fields={"payout_currencies": _NEEDED_ONE, **_ACCOUNT}, answer=account_calls.payout_currencies
    ),
    "balance": Route(
        fields={"balance": _NEEDED_ONE, "account": text(), "subscribe": ONE, **_ACCOUNT},
        answer=account_calls.balance,
        scope="read",
    ),
    "transaction": Route(
        fields={"transaction": _NEEDED_ONE, "subscribe": choice(1, needed=True), **_ACCOUNT},
        answer=account_calls.transaction,
        scope="read",
    ),
    "portfolio": Route(
        fields={"portfolio": _NEEDED_ONE, "contract_type": _SOME_TYPES, **_ACCOUNT},
        answer=account_calls.portfolio,
        scope="read",
    ),
    "statement": Route(
        fields={
            "statement": _NEEDED_ONE,
            "action_type": choice(
                "buy", "sell", "deposit", "withdrawal", "escrow", "adjustment", "virtual_credit", "transfer"
            ),
            "date_from": EPOCH,
            "date_to": EPOCH,
            "description": choice(0, 1),
            "limit": number(0, 999),
            "offset": whole(0),
            **_ACCOUNT,
        },
        answer=account_calls.statement,
        scope="read",
    ),
    "profit_table": Route(
        fields={
            "profit_table": _NEEDED_ONE,
            "contract_type": _SOME_TYPES,
            "date_from": _DAY_OR_EPOCH,
            "date_to": _DAY_OR_EPOCH,
            "description": choice(0, 1),
            "limit": number(0, 500),
            "offset": number(0),
            "sort": choice("ASC", "DESC"),
            **_ACCOUNT,
        },
        answer=account_calls.profit_table,
        scope="read",
    ),
    "proposal": Route(
        fields={"proposal": _NEEDED_ONE, "subscribe": ONE, **_TERMS, **_ACCOUNT}, answer=trade_calls.proposal
    ),
    "buy": Route(
        fields={
            "buy": Field(types=(str, int), pattern=r"[\w-]{32,128}|1", needed=True),
            "parameters": Field(types=(dict,), inside={**_TERMS, "app_markup_percentage": ANY_NUMBER}),
            "price": number(0, needed=True),
            "subscribe": ONE,
            **_ACCOUNT,
        },
        answer=trade_calls.buy,
        scope="trade",
    ),
    "sell": Route(
        fields={"sell": whole(needed=True), "price": number(0, needed=True), **_ACCOUNT},
        answer=trade_calls.sell,
        scope="trade",
    ),
    "sell_expired": Route(
        fields={"sell_expired": _NEEDED_ONE, **_ACCOUNT}, answer=trade_calls.sell_expired, scope="trade"
    ),
    "proposal_open_contract": Route(
        fields={
            "proposal_open_contract": _NEEDED_ONE,
            "contract_id": whole(),
            "subscribe": ONE,
            **_ACCOUNT,
        },
        answer=trade_calls.proposal_open_contract,
        scope="read",
    ),
    "forget": Route(fields={"forget": text(r"[\w-]{32,128}", needed=True)}, answer=stream_calls.forget),
    "forget_all": Route(fields={"forget_all": _STREAMS}, answer=stream_calls.forget_all),
}
