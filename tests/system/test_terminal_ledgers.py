"""Our book of what terminals did beside the broker's: every difference is told, and nothing else."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from copydesk.wiring.demo_terminals import compare_terminals

ACCOUNTS = {"a1": 7101}


def execution(leg="open", lots="0.01", ticket=5, account="a1"):
    return SimpleNamespace(account_id=account, master_ticket=ticket, leg=leg, executed_quantity=Decimal(lots))


def ledger(*fills, comment="copydesk 5"):
    told = [{"account": "7101", "position_id": "9", "entry": entry, "quantity": lots} for entry, lots in fills]
    return {"orders": [{"order_id": "9", "client_order_id": comment}], "fills": told}


def test_what_was_opened_and_closed_on_both_sides_is_no_difference():
    there = ledger(("IN", "0.02"), ("OUT", "0.01"))

    assert compare_terminals([execution(lots="0.02"), execution("close")], there, ACCOUNTS) == []


def test_a_follower_own_trades_and_other_venues_are_not_compared():
    assert compare_terminals([execution(account="paper")], ledger(("IN", "1"), comment="mine"), ACCOUNTS) == []


@pytest.mark.parametrize(
    ("executions", "fills", "says"),
    [
        ([execution()], [], "0.01 lots opened here, 0 at the broker"),
        ([], [("IN", "0.01")], "0 lots opened here, 0.01 at the broker"),
        ([execution()], [("IN", "0.01"), ("OUT", "0.01")], "0 lots closed here, 0.01 at the broker"),
    ],
)
def test_each_difference_is_told_with_both_numbers(executions, fills, says):
    (told,) = compare_terminals(executions, ledger(*fills), ACCOUNTS)

    assert says in told
