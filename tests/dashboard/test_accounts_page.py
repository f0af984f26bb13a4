"""Accounts: added with what their venue needs, shown with what they hold and have earned."""

import asyncio

import httpx
import pytest
from dashboard_hub import listed
from nicegui import ui
from people_hub import ACCOUNT, ACCOUNTS, AT, PeopleHub, checked, finding, refusal

from copydesk.dashboard.chart import Chart

HELD = {
    "subscription_id": "subscription-1",
    "bot_id": "bot-1",
    "symbol": "BTCUSDT",
    "master_ticket": None,
    "direction": "long",
    "quantity": "0.005",
    "entry_price": "95200",
    "gross_usd": "0",
    "fees_usd": "0.2",
    "opened_at": AT,
    "last_price": "95300",
    "unrealised_usd": "0.5",
}
TERMINAL = {
    "user_id": "ada",
    "role": "copier",
    "server": "Broker-Demo",
    "login": 5012345,
    "connected": True,
    "reported_at": AT,
    "balance": "1000.5",
    "equity": "1010",
    "currency": "EUR",
    "leverage": 100,
    "margin_level": "950.26",
    "open_positions": 1,
    "trade_allowed": False,
    "positions": [{"ticket": 7, "symbol": "EURUSD", "type": "BUY", "volume": "0.1", "entry": "1.085"}],
}


def book(**changes):
    return {"account_id": "account-1", "at": AT, "positions": [HELD], "orders": [], "balance": None} | changes


def trade(number, net, summed):
    return {
        "id": f"trade-{number}",
        "subscription_id": "subscription-1",
        "bot_id": "bot-1",
        "symbol": "BTCUSDT",
        "closed_by": "close",
        "direction": "long",
        "quantity": "0.005",
        "entry_price": "95200",
        "exit_price": "95300",
        "gross_usd": net,
        "fees_usd": "0",
        "net_usd": net,
        "sum_usd": summed,
        "opened_at": AT,
        "closed_at": AT,
    }


def results(*trades, net="0"):
    return {
        "account_id": "account-1",
        "total_trades": len(trades),
        "wins": len(trades),
        "losses": 0,
        "gross_usd": net,
        "fees_usd": "0",
        "net_usd": net,
        "max_drawdown_usd": "0",
        "trades": list(trades),
    }


@pytest.fixture
def hub():
    hub = PeopleHub()
    hub.answers |= {
        ("GET", f"{ACCOUNTS}/account-1"): httpx.Response(200, json=ACCOUNT),
        ("GET", f"{ACCOUNTS}/account-1/book"): httpx.Response(200, json=book(balance=balance("5000", "4900"))),
        ("GET", f"{ACCOUNTS}/account-1/results"): httpx.Response(200, json=results()),
    }
    return hub


def balance(total, available):
    return {"total_usd": total, "available_usd": available}


async def test_accounts_show_with_their_keys_state_and_terminals_with_their_figures(user, sign_in, hub):
    terminals = TERMINAL | {"terminals": [TERMINAL]}
    hub.answers["GET", "/mt5/status/ada"] = httpx.Response(200, json=terminals)

    await sign_in("/accounts")

    await user.should_see("key accepted", retries=20)
    await user.should_see("5012345 · Broker-Demo")
    await user.should_see("1,000.5 EUR")
    await user.should_see("1:100")
    await user.should_see("950.3 %")
    await user.should_see("buy 0.1 lots")
    await user.should_see("AutoTrading is off in this terminal")


async def test_who_has_no_account_reads_which_one_to_begin_with(user, sign_in, hub):
    hub.answers["GET", ACCOUNTS] = listed([])

    await sign_in("/accounts")

    await user.should_see("A paper account needs no key", retries=20)


async def test_an_account_shows_what_it_has_and_its_curve_grows_by_what_is_new(user, sign_in, hub, monkeypatch):
    added = asyncio.Queue()
    monkeypatch.setattr(Chart, "add", lambda _self, new, most: added.put_nowait(new))
    await sign_in("/accounts/account-1")
    await user.should_see("5,000.00 USD", retries=20)
    await user.should_see("No trade has been closed yet")

    first, second = trade(1, "10", "10"), trade(2, "-2", "8")
    hub.answers["GET", f"{ACCOUNTS}/account-1/results"] = httpx.Response(200, json=results(first, net="10"))
    await user.should_see("+10.00 USD", retries=20)
    hub.answers["GET", f"{ACCOUNTS}/account-1/results"] = httpx.Response(200, json=results(first, second, net="8"))

    assert [point[1] for point in (await asyncio.wait_for(added.get(), 5))["sum"]] == [8.0]
    await user.should_see("+8.00 USD", retries=20)


async def test_the_report_of_a_check_is_shown_with_what_to_do(user, sign_in, hub):
    poor = finding("balance", ok=False, detail="0 of 0 USD available", advice="Move some margin.")
    hub.answers["POST", f"{ACCOUNTS}/account-1/check"] = checked(poor)
    await sign_in("/accounts/account-1")
    await user.should_see("Pre-flight check", retries=20)

    user.find("Pre-flight check").click()

    await user.should_see("Move some margin.", retries=30)


async def test_another_s_account_is_no_account_here(user, sign_in, hub):
    hub.answers["GET", f"{ACCOUNTS}/account-9"] = httpx.Response(
        404, json={"error": {"code": "not_found", "message": "no such account", "details": {}}}
    )

    await sign_in("/accounts/account-9")

    await user.should_see("This account does not exist, or is not yours.", retries=20)


async def test_a_binance_account_is_added_with_its_key_and_nothing_more(user, sign_in, hub):
    hub.answers["POST", ACCOUNTS] = httpx.Response(201, json=ACCOUNT)
    await sign_in("/accounts/new")
    await user.should_see("Add and check", retries=20)
    with user:
        chosen(user, "Venue").set_value("binance-futures")
    await user.should_see("One that may withdraw or transfer is refused.", retries=20)
    user.find("API key").type("the-key")
    user.find("API secret").type("the-secret")

    user.find("Add and check").click()

    await user.should_see("Main is added.", retries=20)
    assert hub.told[-1] == (
        "POST",
        ACCOUNTS,
        {
            "name": "My account",
            "venue": "binance-futures",
            "environment": "demo",
            "api_key": "the-key",
            "api_secret": "the-secret",
        },
    )


async def test_a_key_that_may_withdraw_is_refused_in_the_hub_s_own_words(user, sign_in, hub):
    hub.answers["POST", ACCOUNTS] = refusal(422, api_key="the key may do what no follower's key should: withdraw")
    await sign_in("/accounts/new")
    await user.should_see("Add and check", retries=20)

    user.find("Add and check").click()

    await user.should_see("api_key: the key may do what no follower's key should: withdraw", retries=20)


async def test_an_account_is_deleted_only_after_a_second_yes(user, sign_in, hub):
    hub.answers["DELETE", f"{ACCOUNTS}/account-1"] = httpx.Response(204)
    await sign_in("/accounts/account-1")
    await user.should_see("Delete", retries=20)

    user.find("Delete").click()
    await user.should_see("Its key is erased", retries=20)
    assert hub.told == []
    user.find("Delete now").click()

    await user.should_see("The account is deleted.", retries=20)


def chosen(user, label):
    [field] = [one for one in user.find(ui.select).elements if one.props.get("label") == label]
    return field
