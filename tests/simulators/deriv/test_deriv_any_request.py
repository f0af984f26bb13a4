"""Nobody's request takes the venue down: whatever is asked in whatever shape, there is an answer in the API's own words."""

from decimal import Decimal
from random import Random
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.simulators.deriv.calls import reply
from copydesk.simulators.deriv.calls.dialect import LEGACY, OPTIONS
from copydesk.simulators.deriv.calls.options_table import OPTIONS_ROUTES
from copydesk.simulators.deriv.calls.session import Session
from copydesk.simulators.deriv.calls.table import LEGACY_ROUTES
from copydesk.simulators.deriv.exchange.account import Account
from copydesk.simulators.deriv.exchange.exchange import make_exchange
from copydesk.simulators.deriv.exchange.refusals import CODES

START_S = 1_767_225_600
EXCHANGE = make_exchange(seed=9, now_ms=START_S * 1_000)
NUMBERS = [0, 1, -1, 2, 5, 10, 15, 60, 86_400, 0.5, 1.005, 1e300, -1e300, 10**20, START_S, START_S + 60, 9_999_999_999]
TEXTS = [
    "",
    "1",
    "0",
    "CALL",
    "PUT",
    "PUTE",
    "R_100",
    "1HZ100V",
    "USD",
    "stake",
    "payout",
    "t",
    "s",
    "d",
    "latest",
    "a",
]
MORE_TEXTS = [
    "+0.50",
    "-1",
    "1000.",
    "99999999999999999999",
    "2026-02-31",
    "0000-01-01",
    "candles",
    "brief",
    "ASC",
    "x" * 40,
]
SYMBOLS = ["R_100", "1HZ100V", "1HZ100V", "R_101"]
# What a request mostly says where a value of the right shape alone would nearly always be refused at once.
LIKELY = {
    "amount": [1, 10, 0.35, 0.1, 49_000, 1e300],
    "authorize": ["a", "b"],
    "barrier": ["+0.50", "-0.5", "1500", "1000.", "0", "99999999999999999999"],
    "buy": ["1", "1", "x" * 40],
    "contract_type": ["CALL", "PUT", "CALLE", "PUTE", "DIGITEVEN"],
    "contracts_for": SYMBOLS,
    "currency": ["USD", "USD", "EUR"],
    "date_expiry": [START_S, START_S + 90, 9_999_999_999],
    "duration": [1, 5, 10, 15, 60],
    "duration_unit": ["t", "t", "s", "d"],
    "price": [0, 1, 100, 1_000, 1e300],
    "sell": [210_000_001, 210_000_002, 210_000_003, 1],
    "contract_id": [210_000_001, 210_000_002, 1],
    "subscribe": [1],
    "symbol": SYMBOLS,
    "ticks": [*SYMBOLS, SYMBOLS, []],
    "ticks_history": SYMBOLS,
    "underlying_symbol": SYMBOLS,
}
USUAL = {"amount", "basis", "duration", "duration_unit", "parameters"}
SELDOM = {
    "barrier2",
    "barrier_range",
    "cancellation",
    "date_start",
    "growth_rate",
    "limit_order",
    "multiplier",
    "selected_tick",
}
plain = st.one_of(st.sampled_from([*NUMBERS, *TEXTS, *MORE_TEXTS]), st.booleans(), st.none())
values = st.one_of(plain, st.lists(plain, max_size=3), st.dictionaries(st.sampled_from(TEXTS), plain, max_size=3))


def sensible(name, field):
    """Often a value that the schema lets pass, so that what lies behind it is reached."""
    if (name in LIKELY and list not in field.types) or name == "ticks":
        return st.sampled_from(LIKELY[name])
    if field.one_of is not None:
        return st.sampled_from(sorted(field.one_of, key=str))
    if field.inside is not None:
        return shaped(field.inside)
    return st.sampled_from([each for each in [*NUMBERS, *TEXTS, *MORE_TEXTS] if field.problem(each) is None] or [None])


def shaped(fields):
    """With all that a price or a purchase needs, and seldom with what makes it another kind of contract."""
    always = {name for name, field in fields.items() if field.needed} | USUAL & fields.keys()
    seldom = SELDOM if "contract_type" in always else set()
    return st.fixed_dictionaries(
        {name: sensible(name, fields[name]) for name in fields if name in always},
        optional={name: sensible(name, fields[name]) for name in fields if name not in always | seldom},
    )


def requests(routes):
    def of(name):
        fields = routes[name].fields
        wild = st.fixed_dictionaries({name: values}, optional=dict.fromkeys(fields.keys() - {name}, values))
        return st.one_of(shaped(fields), shaped(fields), wild)

    return st.sampled_from(sorted(routes)).flatmap(of)


def session(dialect):
    account = Account(token="a", loginid="VRTC1", user_id=1, currency="USD", is_virtual=True, created=START_S)
    EXCHANGE.accounts["a"] = account
    EXCHANGE.transfer(account, Decimal("1000.00"))
    random = Random(1)
    return Session(
        app_id=1, new_id=lambda: UUID(int=random.getrandbits(128), version=4), dialect=dialect, account=account
    )


@pytest.mark.parametrize(("dialect", "routes"), [(LEGACY, LEGACY_ROUTES), (OPTIONS, OPTIONS_ROUTES)])
@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_every_request_has_an_answer_and_every_event_a_message(dialect, routes, data):
    who = session(dialect)

    for request in data.draw(st.lists(requests(routes), min_size=1, max_size=3)):
        asked = reply.read(msgspec.json.encode(request).decode(), routes)
        frames = reply.answer(asked, routes, EXCHANGE, who, EXCHANGE.now_s * 1_000)
        assert frames
        for frame in frames:
            message = msgspec.json.decode(frame)
            assert ("error" in message) != (message["msg_type"] in message), message
            assert message.get("error", {"code": "RateLimit"})["code"] in CODES
    for _ in EXCHANGE.advance((EXCHANGE.now_s + 20) * 1_000):
        while EXCHANGE.events:
            event = EXCHANGE.events.popleft()
            for subscription, answer in who.hear(event):
                assert msgspec.json.decode(reply.write(subscription.request, answer, dialect))


@given(st.text())
def test_any_text_at_all_has_an_answer(text):
    frames = reply.answer(reply.read(text, LEGACY_ROUTES), LEGACY_ROUTES, EXCHANGE, session(LEGACY), START_S * 1_000)

    assert msgspec.json.decode(frames[0])["msg_type"]
