"""The second face: the new Options API (facts §5.1), on the same market and the same accounts."""

import aiohttp
import msgspec
import pytest
from deriv_simulator_support import CALL_5T

START_S = 1_767_225_600
PATH = "/trading/v1/options"
TERMS = {name: value for name, value in CALL_5T.items() if name != "symbol"} | {"underlying_symbol": "1HZ100V"}


async def ask_otp(venue, loginid, token="alice-token", app_id="33mXyz", scheme="Bearer"):
    headers = {"Authorization": f"{scheme} {token}"} | ({"Deriv-App-ID": app_id} if app_id else {})
    address = f"http://127.0.0.1:{venue.port}{PATH}/accounts/{loginid}/otp"
    async with venue.session.post(address, headers=headers) as answer:
        return answer.status, msgspec.json.decode(await answer.read())


async def open_account(venue, **wish):
    return (await venue.post("accounts", token="alice-token", balance="1000", **wish))["loginids"][0]


async def connected(venue, url):
    path, _, query = url.removeprefix(f"ws://127.0.0.1:{venue.port}").partition("?")
    return await venue.connect(query=query, path=path)


@pytest.fixture
async def public(venue):
    return await venue.connect(query="", path=f"{PATH}/ws/public")


@pytest.fixture
async def trader(venue):
    await venue.hold("1500")
    await venue.pass_time(1)
    _, answer = await ask_otp(venue, await open_account(venue), app_id="4711")
    return await connected(venue, answer["data"]["url"])


async def test_market_data_is_public_and_the_request_is_not_repeated(public):
    answer = await public.ask(ticks="R_100", req_id=5)

    assert answer.keys() == {"msg_type", "req_id", "tick"}
    assert answer["tick"]["symbol"] == "R_100"
    assert (await public.ask(time=1))["time"] == START_S
    assert (await public.error(balance=1))["code"] == "AuthorizationRequired"


async def test_symbols_have_the_new_names_and_no_prices(public):
    rows = (await public.ask(active_symbols="full"))["active_symbols"]

    row = next(each for each in rows if each["underlying_symbol"] == "R_100")
    assert row["underlying_symbol_name"] == "Volatility 100 Index"
    assert row["pip_size"] == 0.01
    assert not row.keys() & {"symbol", "display_name", "pip", "symbol_type", "spot", "market_display_name"}


@pytest.mark.parametrize(
    "request_",
    [
        {"authorize": "alice-token"},
        {"logout": 1},
        {"get_account_status": 1},
        {"payout_currencies": 1},
    ],
)
async def test_requests_of_the_legacy_api_alone_are_unrecognised(public, request_):
    assert (await public.error(**request_))["code"] == "UnrecognisedRequest"


async def test_a_one_time_password_opens_one_connection_and_no_second_one(venue):
    status, answer = await ask_otp(venue, await open_account(venue))
    url = answer["data"]["url"]

    socket = await connected(venue, url)

    assert status == 200
    assert url.startswith(f"ws://127.0.0.1:{venue.port}{PATH}/ws/demo?otp=")
    assert (await socket.ask(balance=1))["balance"]["balance"] == 1_000
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connected(venue, url)
    assert refused.value.status == 401


async def test_a_password_grows_old_and_is_good_for_its_kind_alone(venue):
    loginid = await open_account(venue, is_virtual=False)
    _, real = await ask_otp(venue, loginid)
    _, late = await ask_otp(venue, loginid)

    with pytest.raises(aiohttp.WSServerHandshakeError):
        await connected(venue, real["data"]["url"].replace("/real?", "/demo?"))
    await venue.pass_time(60)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await connected(venue, late["data"]["url"])
    _, fresh = await ask_otp(venue, loginid)
    assert "/ws/real?otp=" in fresh["data"]["url"]
    assert (await (await connected(venue, fresh["data"]["url"])).ask(ping=1))["ping"] == "pong"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"token": "nobody"}, 401), ({"app_id": ""}, 401), ({"scheme": "Basic"}, 401), ({"loginid": "VRTC1"}, 400)],
)
async def test_a_password_is_refused_in_the_envelope_of_rest(venue, change, status):
    loginid = await open_account(venue)

    found, answer = await ask_otp(venue, **{"loginid": loginid} | change)

    assert found == status
    assert answer["errors"][0]["status"] == status
    assert answer["meta"]["method"] == "POST"


async def test_a_token_without_the_scope_to_trade_gets_no_password(venue):
    assert (await ask_otp(venue, await open_account(venue, scopes=["read"])))[0] == 403


async def test_an_unknown_kind_of_connection_is_not_found(venue):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await venue.connect(query="", path=f"{PATH}/ws/secret")

    assert refused.value.status == 404


async def test_a_contract_is_priced_bought_and_followed_with_texts_for_money(venue, trader):
    id = (await trader.ask(proposal=1, subscribe=0, **TERMS))["proposal"]["id"]
    receipt = await trader.ask(buy=id, price=1, subscribe=1)
    await venue.pass_time(5)
    await venue.hold("1501")
    await venue.pass_time(1)

    heard = await trader.settled()
    over = heard[-1]["proposal_open_contract"]

    assert "echo_req" not in heard[-1]
    assert {each["req_id"] for each in heard} == {receipt["req_id"]}
    assert (over["status"], over["is_sold"]) == ("won", 1)
    assert (over["buy_price"], over["payout"], over["profit"]) == ("1.00", "1.95", "0.95")
    assert (over["bid_price"], over["sell_price"], over["current_spot"]) == ("1.95", "1.95", "1501.00")
    assert over["underlying_symbol"] == "1HZ100V"
    assert not over.keys() & {"underlying", "display_name", "current_spot_display_value"}


async def test_lists_and_transactions_name_the_underlying_symbol(venue, trader):
    first = await trader.ask(transaction=1, subscribe=1)
    await trader.ask(buy="1", price=1, parameters=TERMS)
    booked = (await trader.next("transaction"))["transaction"]
    row = (await trader.ask(portfolio=1))["portfolio"]["contracts"][0]

    assert first["transaction"] == {"id": first["subscription"]["id"]}
    assert booked["underlying_symbol"] == row["underlying_symbol"] == "1HZ100V"
    assert not booked.keys() & {"symbol", "barrier", "display_name"}
    assert row["app_id"] == 4711
    assert (await venue.ledger())["orders"][0]["account"] == "alice-token"


@pytest.mark.parametrize(
    "request_",
    [
        {"proposal": 1, **CALL_5T},
        {"proposal": 1, **TERMS, "date_start": START_S + 60},
        {"proposal": 1, **TERMS, "product_type": "basic"},
        {"buy": "1", "price": 1, "parameters": CALL_5T},
        {"balance": 1, "loginid": "VRTC90000001"},
        {"balance": 1, "account": "all"},
        {"contracts_for": "R_100", "currency": "USD"},
        {"ticks": "R_100", "subscribe": 2},
    ],
)
async def test_what_the_new_api_removed_is_refused(trader, request_):
    assert (await trader.error(**request_))["code"] == "InputValidationFailed"


async def test_what_the_new_api_relaxed_is_looked_at_and_refused_by_meaning(trader):
    assert (await trader.error(proposal=1, **TERMS | {"contract_type": "LUCK"}))["code"] == "OfferingsValidationError"
    assert (await trader.error(buy="short", price=1))["code"] == "InvalidContractProposal"
    assert "subscription" not in await trader.ask(ticks="R_100", subscribe=0)
    assert "spot" not in (await trader.ask(contracts_for="R_100"))["contracts_for"]
    assert (await trader.ask(transaction=1, subscribe=0))["transaction"] == {}


async def test_faults_strike_here_as_there(venue, trader):
    await venue.post("faults", kind="unknown_executed", next_n=1, account="alice-token")

    answer = await trader.ask(buy="1", price=1, parameters=TERMS)

    assert answer.keys() == {"error", "msg_type", "req_id"}
    assert answer["error"]["code"] == "WrongResponse"
    assert len((await venue.ledger())["orders"]) == 1


@pytest.mark.parametrize(
    ("request_", "sibling", "most"),
    [
        ({"portfolio": 1}, {"profit_table": 1}, 30),
        ({"balance": 1}, {"statement": 1}, 100),
        ({"time": 1}, {"ticks": "R_100"}, 220),
        ({"proposal_open_contract": 1}, {"proposal": 1, **TERMS}, 360),
        ({"ping": 1}, {"ping": 1}, 10),
    ],
)
async def test_a_budget_is_shared_by_its_requests_and_renewed_in_time(venue, trader, request_, sibling, most):
    answers = [await trader.ask(**request_) for _ in range(most)]

    assert all("error" not in each for each in answers)
    assert (await trader.error(**sibling))["code"] == "RateLimit"
    assert "error" not in await trader.ask(**({"portfolio": 1} if most == 220 else {"forget_all": "ticks"}))
    await venue.pass_time(60)
    assert "error" not in await trader.ask(**sibling)


async def test_an_account_shares_its_budget_among_connections_and_strangers_have_their_own(venue, trader, public):
    loginid = (await trader.ask(balance=1))["balance"]["loginid"]
    other = await connected(venue, (await ask_otp(venue, loginid))[1]["data"]["url"])
    for _ in range(30):
        await trader.ask(portfolio=1)

    assert (await other.error(portfolio=1))["code"] == "RateLimit"
    assert (await public.error(portfolio=1))["code"] == "AuthorizationRequired"
    await venue.post("limits", factor=2)
    assert "error" not in await other.ask(portfolio=1)


async def test_no_more_than_eighty_passwords_a_minute_are_issued_to_one_token(venue):
    loginid = await open_account(venue)

    statuses = [(await ask_otp(venue, loginid))[0] for _ in range(81)]

    assert statuses == [200] * 80 + [429]


async def test_the_legacy_api_counts_nothing_because_its_limits_are_not_published(venue, alice):
    answers = [await alice.ask(portfolio=1) for _ in range(31)]

    assert all("error" not in each for each in answers)
