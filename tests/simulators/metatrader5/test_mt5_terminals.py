"""Terminals by path, logins by password, the AutoTrading button, and what a program sees when somebody else switches."""

import pytest
from mt5_simulator_support import FOLLOWER, MASTER, NETTING, SERVER, market, opened

UNAUTHORIZED = (-6, "Terminal: Authorization failed")


def test_initialize_by_path_switches_between_terminals_in_one_process(mt5):
    ticket = opened(mt5, mt5.ORDER_TYPE_BUY)

    logins = []
    for path in (FOLLOWER, NETTING, MASTER.lower(), r"C:/Program Files/MetaTrader 5 Follower"):
        assert mt5.initialize(path=path)
        logins.append(mt5.account_info().login)

    assert logins == [1002, 1003, 1001, 1002]
    assert mt5.positions_get() == ()
    assert mt5.initialize(MASTER)
    assert mt5.positions_get()[0].ticket == ticket
    assert mt5.account_info().margin_mode == mt5.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING


def test_without_a_path_the_terminal_of_the_login_is_found(mt5):
    assert mt5.initialize(login=1003, password="netting-1003", server=SERVER)
    assert mt5.terminal_info().path == NETTING.rpartition("\\")[0]
    assert mt5.account_info().margin_mode == mt5.ACCOUNT_MARGIN_MODE_RETAIL_NETTING

    assert mt5.initialize()
    assert mt5.account_info().login == 1001


def test_an_unknown_path_starts_no_process(mt5):
    assert mt5.initialize(r"C:\nowhere\terminal64.exe") is False
    code, text = mt5.last_error()
    assert (code, text) == (-10003, r"IPC initialize failed, Process create failed 'C:\nowhere\terminal64.exe'")
    assert mt5.account_info() is None, "the old connection is closed all the same"


def test_login_needs_the_right_password_and_server_and_else_nothing_changes(mt5):
    assert mt5.login(1002, "wrong", SERVER) is False
    assert mt5.last_error() == UNAUTHORIZED
    assert mt5.login(1002, password="follower-1002", server="Elsewhere") is False
    assert mt5.login(1002) is False, "this terminal remembers no password of it"
    assert mt5.login() is False
    assert mt5.account_info().login == 1001

    assert mt5.login(1002, "follower-1002", SERVER) is True
    assert mt5.account_info().login == 1002
    assert mt5.login(1001) is True, "the remembered password"
    assert mt5.initialize(login=999, password="x") is False
    assert mt5.last_error() == UNAUTHORIZED


def test_an_investor_looks_and_does_not_trade(mt5):
    assert mt5.login(1001, "look-1001", SERVER)

    assert mt5.account_info().trade_allowed is False
    assert market(mt5, mt5.ORDER_TYPE_BUY).retcode == mt5.TRADE_RETCODE_TRADE_DISABLED


def test_the_terminal_remembers_with_which_password_it_knows_a_login(mt5):
    assert mt5.login(1001, "look-1001")
    assert mt5.login(1002, "follower-1002")
    assert mt5.account_info().trade_allowed is True

    assert mt5.login(1001)
    assert mt5.account_info().trade_allowed is False


def test_autotrading_off_is_a_retcode_and_the_api_switch_an_error(mt5, broker):
    broker.tell("terminals", path=MASTER, trade_allowed=False)
    off = market(mt5, mt5.ORDER_TYPE_BUY)
    broker.tell("terminals", path=MASTER, trade_allowed=True, tradeapi_disabled=True)

    assert (off.retcode, mt5.terminal_info().trade_allowed) == (mt5.TRADE_RETCODE_CLIENT_DISABLES_AT, True)
    assert market(mt5, mt5.ORDER_TYPE_BUY) is None
    assert mt5.last_error() == (-8, "Auto-Trading using Python API disabled in Terminal")
    assert mt5.terminal_info().tradeapi_disabled is True


def test_the_server_may_forbid_programs_and_not_hands(mt5, broker):
    broker.tell("accounts", login=1001, trade_expert=False)
    request = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}

    assert market(mt5, mt5.ORDER_TYPE_BUY).retcode == mt5.TRADE_RETCODE_SERVER_DISABLES_AT
    assert broker.tell("trade", account=1001, request=request)["retcode"] == mt5.TRADE_RETCODE_DONE
    assert mt5.positions_get()[0].reason == mt5.POSITION_REASON_CLIENT


def test_a_terminal_without_its_server_reads_and_does_not_trade(mt5, broker):
    opened(mt5, mt5.ORDER_TYPE_BUY)
    broker.tell("terminals", path=MASTER, connected=False)

    assert mt5.terminal_info().connected is False
    assert market(mt5, mt5.ORDER_TYPE_BUY).retcode == mt5.TRADE_RETCODE_CONNECTION
    assert len(mt5.positions_get()) == 1


def test_somebody_else_may_switch_the_account_under_a_program(mt5, broker):
    broker.tell("terminals", path=MASTER, login=1002)

    assert mt5.account_info().login == 1002


def test_a_closed_terminal_must_be_initialized_again(mt5, broker):
    broker.tell("terminals", path=MASTER, close=True)

    assert mt5.positions_get() is None
    assert mt5.last_error() == (-10004, "No IPC connection")
    assert mt5.initialize(MASTER)
    assert mt5.positions_get() == ()


def test_new_terminals_and_accounts_are_made_by_doors(mt5, broker):
    broker.tell(
        "accounts", login="2001", password="p", balance="500", currency="EUR", margin_mode="netting", leverage=30
    )
    broker.tell("terminals", path=r"D:\mt5\terminal64.exe")

    assert mt5.initialize(r"D:\mt5") is False
    assert mt5.last_error() == UNAUTHORIZED, "nobody is logged in there"
    assert mt5.initialize(r"D:\mt5", login=2001, password="p")
    account = mt5.account_info()
    assert (account.balance, account.currency, account.leverage, account.margin_mode) == (500.0, "EUR", 30, 0)
    (deposit,) = mt5.history_deals_get(0, 2**31)
    assert (deposit.type, deposit.order, deposit.position_id, deposit.volume, deposit.symbol) == (2, 0, 0, 0.0, "")


def test_a_symbol_out_of_market_watch_has_no_prices(mt5):
    assert mt5.symbol_info("GER40.cash").visible is False
    assert mt5.symbol_info_tick("GER40.cash").bid == mt5.symbol_info_tick("GER40.cash").time == 0

    assert mt5.symbol_select("GER40.cash", True) is True
    assert mt5.symbol_info_tick("GER40.cash").bid > 0
    assert mt5.symbol_select("GER40.cash", False) is True
    assert mt5.symbol_info("GER40.cash").bid == 0.0
    assert mt5.symbol_select("NOSUCH", True) is False
    assert mt5.last_error() == (-4, "Terminal: Not found")
    opened(mt5, mt5.ORDER_TYPE_BUY)
    assert mt5.symbol_select("EURUSD", False) is False, "held symbols stay visible"


@pytest.mark.parametrize(
    ("group", "found"),
    [
        ("*", 10),
        ("EURUSD", 1),
        ("EUR*", 3),
        ("eur*", 0),
        ("*USD*, !*.m", 5),
        ("!*.m, *USD*", 5),
        ("*.m", 2),
        ("EURUSD,XAUUSD", 2),
    ],
)
def test_group_masks_choose_symbols_and_exclude_at_once(mt5, group, found):
    assert len(mt5.symbols_get(group=group)) == found
    assert len(mt5.symbols_get(group)) == found
    assert mt5.symbols_total() == 10


def test_the_book_is_read_only_after_it_was_opened(mt5):
    assert mt5.market_book_get("EURUSD") is None
    assert mt5.market_book_add("EURUSD") is True
    book = mt5.market_book_get("EURUSD")
    assert mt5.market_book_release("EURUSD") is True
    assert mt5.market_book_get("EURUSD") is None

    assert [each.price for each in book] == sorted((each.price for each in book), reverse=True)
    assert {each.type for each in book if each.price > 1.085} == {mt5.BOOK_TYPE_SELL}
    assert {each.type for each in book if each.price <= 1.085} == {mt5.BOOK_TYPE_BUY}
