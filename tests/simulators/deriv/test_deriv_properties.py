"""Whatever is bought, sold and waited for: no money appears or is lost, no contract outlives its end."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.simulators.deriv.exchange.account import Account
from copydesk.simulators.deriv.exchange.contract import MOVES, Contract, Phase
from copydesk.simulators.deriv.exchange.exchange import make_exchange
from copydesk.simulators.deriv.exchange.pricing import chance
from copydesk.simulators.deriv.exchange.refusals import RefusedError
from copydesk.simulators.deriv.exchange.terms import PAYOUT_MAX, STAKE_MIN, Terms, price
from copydesk.simulators.deriv.exchange.walk import Walk

START_S = 1_767_225_600
TYPES = ("CALL", "PUT", "CALLE", "PUTE")
EXCHANGE_SEED = 4

wanted = st.builds(
    Terms,
    contract_type=st.sampled_from(TYPES),
    symbol=st.sampled_from(("R_100", "1HZ100V", "R_10")),
    currency=st.just("USD"),
    basis=st.sampled_from(("stake", "payout")),
    amount=st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100),
    duration=st.integers(1, 10),
    unit=st.just("t"),
)
timed = st.builds(
    Terms,
    contract_type=st.sampled_from(TYPES),
    symbol=st.sampled_from(("R_100", "1HZ100V")),
    currency=st.just("USD"),
    basis=st.just("stake"),
    amount=st.integers(35, 5_000).map(lambda cents: Decimal(cents) / 100),
    duration=st.integers(15, 90),
    unit=st.just("s"),
)
steps = st.lists(
    st.one_of(
        wanted.map(lambda terms: ("buy", terms)),
        timed.map(lambda terms: ("buy", terms)),
        st.integers(1, 40).map(lambda seconds: ("wait", seconds)),
        st.integers(0, 9).map(lambda number: ("sell", number)),
    ),
    max_size=25,
)


def make():
    exchange = make_exchange(seed=EXCHANGE_SEED, now_ms=START_S * 1_000)
    account = Account(token="a", loginid="VRTC1", user_id=1, currency="USD", is_virtual=True, created=START_S)
    exchange.accounts["a"] = account
    exchange.transfer(account, Decimal("500.00"))
    return exchange, account


def live(exchange, seconds):
    for _ in exchange.advance((exchange.now_s + seconds) * 1_000):
        pass


def take(exchange, account, kind, what):
    if kind == "wait":
        live(exchange, what)
    elif kind == "buy":
        exchange.buy(account, what, price_max=Decimal(1_000), app_id=1)
    elif contracts := exchange.contracts_of("a"):
        exchange.sell(account, contracts[what % len(contracts)], price_min=Decimal(0))


@settings(deadline=None, max_examples=20)
@given(steps)
def test_every_cent_is_accounted_for_and_every_contract_ends_once(story):
    exchange, account = make()

    for kind, what in story:
        before = account.balance
        try:
            take(exchange, account, kind, what)
        except RefusedError:
            assert account.balance == before
    live(exchange, 100)

    contracts = exchange.contracts_of("a")
    assert all(each.is_settled for each in contracts)
    assert all(each.phase in {Phase.WON, Phase.LOST, Phase.SOLD} for each in contracts)
    paid = sum((each.sell_price - each.buy_price for each in contracts), Decimal(0))
    assert account.balance == Decimal(500) + paid >= 0
    assert account.balance == sum(each.amount for each in account.transactions)
    assert len(account.transactions) == 1 + 2 * len(contracts)
    for each in contracts:
        if each.phase is not Phase.SOLD:
            won = each.terms.wins(each.entry.quote, each.exit.quote)
            assert each.sell_price == (each.payout if won else 0)
            assert each.exit.epoch <= each.date_expiry


@given(wanted)
def test_a_price_is_within_its_bounds_or_refused(terms):
    try:
        offer = price(terms, spot=Decimal(1_000), now_s=START_S, margin=Decimal("0.0128"))
    except RefusedError:
        return

    assert STAKE_MIN <= offer.ask < offer.payout <= PAYOUT_MAX
    assert offer.ask == offer.ask.quantize(Decimal("0.01"))
    assert abs(offer.ask - offer.payout * Decimal("0.5128")) < Decimal("0.01")  # both are whole cents


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(0, 10**6))
def test_the_chances_of_above_and_below_add_up_to_one(spot, barrier, seconds):
    known = {"spot": Decimal(spot) / 100, "barrier": Decimal(barrier) / 100, "volatility": 100, "seconds": seconds}

    above, below = chance("CALL", **known), chance("PUT", **known)

    assert 0 <= above <= 1
    assert above + below == 1


@given(st.integers(), st.integers(2, 10**6))
def test_a_walk_stays_on_whole_pips_above_nothing(seed, pips):
    from random import Random

    pip = Decimal("0.01")
    walk = Walk(Random(seed), price=pips * pip, pip=pip, volatility=100, every_s=2)

    for _ in range(50):
        walk.step()
        assert walk.price >= 2 * pip
        assert walk.price % pip == 0


@pytest.mark.parametrize("phase", list(Phase))
def test_a_contract_moves_only_where_the_table_lets_it(phase):
    for target in Phase:
        contract = Contract(
            contract_id=1,
            account="a",
            terms=None,
            buy_price=Decimal(1),
            payout=Decimal(2),
            purchase_time=0,
            buy_transaction=1,
            app_id=1,
            date_expiry=1,
            phase=phase,
        )
        if target in MOVES[phase]:
            contract.move(target)
            assert contract.phase is target
        else:
            with pytest.raises(ValueError, match="does not become"):
                contract.move(target)
