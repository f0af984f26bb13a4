"""Which answers of Binance prove that nothing was placed, and that all others prove nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.errors import CredentialsRefused, OrderRejected, OutcomeUnknown, VenueUnavailable
from copydesk.venues.binance import codec
from copydesk.venues.binance.refusals import read_refusal

# Written out from the venue's published error page, not from the code under test.
NOT_PLACED = [-1102, -1106, -1111, -1115, -1116, -1117, -1121, -2010, -2018, -2019, -2020, -2021, -2022, -2025]
NOT_PLACED += [-2027, -2028, -4003, -4004, -4005, -4013, -4014, -4015, -4016, -4023, -4024, -4061, -4118, -4120]
NOT_PLACED += [-4131, -4164, -5021, -5022]
UNKNOWN = [-1000, -1001, -1006, -1007, -4116, -9999, 0]


def body(code):
    return json.dumps({"code": code, "msg": "as documented"})


@pytest.mark.parametrize("code", NOT_PLACED)
def test_a_listed_code_means_the_order_does_not_exist(code):
    error = read_refusal(400, body(code), {})

    assert type(error) is OrderRejected
    assert error.code == code


@pytest.mark.parametrize("code", UNKNOWN)
@pytest.mark.parametrize("status", [200, 400, 408, 500, 503])
def test_an_unlisted_code_is_unknown_whatever_the_status(code, status):
    assert type(read_refusal(status, body(code), {})) is OutcomeUnknown


@pytest.mark.parametrize("code", [-1022, -2014, -2015])
def test_a_key_that_is_not_accepted_is_told_apart(code):
    assert type(read_refusal(401, body(code), {})) is CredentialsRefused


@pytest.mark.parametrize(("status", "code"), [(429, -1003), (418, -1003), (503, -1008), (400, -1015)])
def test_being_throttled_means_nothing_was_placed_and_says_when_to_come_back(status, code):
    error = read_refusal(status, body(code), {"Retry-After": "7"})

    assert type(error) is VenueUnavailable
    assert error.retry_after_s == 7


@given(status=st.sampled_from([200, 201, 302, 400, 403, 404, 451, 500, 502, 503, 504]), text=st.text())
def test_no_body_that_is_not_a_listed_code_ever_counts_as_a_rejection(status, text):
    assert type(read_refusal(status, text, {})) is OutcomeUnknown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = ["orderId", "clientOrderId", "status", "executedQty", "avgPrice", "algoId", "clientAlgoId", "algoStatus"]


@given(answer=JSON | st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_an_answer_that_does_not_plainly_show_our_order_is_unknown(answer):
    for read in (codec.read_order, codec.read_algo_order):
        with pytest.raises(OutcomeUnknown):
            read(answer, "cd-ours")


def test_an_answer_about_another_order_is_unknown():
    answer = {"orderId": 1, "clientOrderId": "cd-other", "status": "FILLED", "executedQty": "1", "avgPrice": "1"}

    with pytest.raises(OutcomeUnknown):
        codec.read_order(answer, "cd-ours")


@pytest.mark.parametrize("price", ["0", "0.00", "", None, "NaN"])
def test_a_fill_without_its_price_is_unknown_and_so_asked_about(price):
    answer = {"orderId": 1, "clientOrderId": "cd-ours", "status": "FILLED", "executedQty": "1", "avgPrice": price}

    with pytest.raises(OutcomeUnknown):
        codec.read_order(answer, "cd-ours")
