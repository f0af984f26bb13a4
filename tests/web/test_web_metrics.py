"""/metrics: who may read it, and that what it counts is what happened."""

import pytest
from prometheus_client.parser import text_string_to_metric_families as read_metrics

from web_support import BOTS, assert_error, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "a token of the operator's scraper"


class Scrape:
    def __init__(self, text):
        self.samples = [sample for family in read_metrics(text) for sample in family.samples]

    def value(self, name, **labels):
        found = [
            one.value for one in self.samples if one.name == f"copydesk_{name}" and labels.items() <= one.labels.items()
        ]
        return sum(found)


async def scrape(desk):
    answer = await (await desk.person("admin")).get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return Scrape(answer.text)


async def test_an_admin_and_the_token_of_the_scraper_open_the_metrics_and_nobody_else(start_hub):
    async with start_hub(metrics_token=TOKEN) as desk:
        for role in ("provider", "follower"):
            assert_error(await (await desk.person(role)).get("/metrics"), 403)
        assert_error(await desk.nobody.get("/metrics"), 401)
        assert_error(await desk.nobody.get("/metrics", headers={"Authorization": "Bearer wrong"}), 401)
        assert (await desk.nobody.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200
        assert (await (await desk.person("admin")).get("/metrics")).status_code == 200


@pytest.mark.parametrize("shown", ["", "None", "null"])
async def test_a_desk_without_a_token_for_scrapers_takes_none(desk, shown):
    assert_error(await desk.nobody.get("/metrics", headers={"Authorization": f"Bearer {shown}"}), 401)


async def test_the_scraper_s_token_opens_nothing_but_the_metrics(start_hub):
    async with start_hub(metrics_token=TOKEN) as desk:
        assert_error(await desk.nobody.get(BOTS, headers={"Authorization": f"Bearer {TOKEN}"}), 401)


async def test_signals_and_what_became_of_them_are_counted(start_hub, simulator):
    async with start_hub(simulator_url=simulator.url) as desk:
        provider, follower, on_paper = await desk.person("provider"), await desk.person(), await desk.person()
        bot, secret = await desk.bot(provider, default_stop_loss_pct="2.5")
        await desk.subscription(follower, bot, await desk.futures_account(follower, simulator))
        await desk.subscription(on_paper, bot, await desk.paper_account(on_paper, is_active=False))
        await desk.alert(bot, secret, wait=2.5, id="one")
        await desk.alert(bot, secret, id="one")
        await desk.alert(bot, secret, action="hodl")
        await desk.alert(bot, "wrong secret")
        desk.hub.clock.forward(seconds=5)

        seen = await scrape(desk)

        signals = {
            result: seen.value("signals_total", source="tradingview", result=result)
            for result in ("accepted", "duplicate", "refused")
        }
        assert signals == {"accepted": 1, "duplicate": 1, "refused": 1}
        assert seen.value("signal_stored_seconds_count", source="tradingview") == 1
        assert seen.value("signal_first_result_seconds_count") == 1
        assert seen.value("signal_last_result_seconds_count") == 1
        assert seen.value("signal_last_result_seconds_sum") >= seen.value("signal_first_result_seconds_sum")
        assert seen.value("execution_moves_total", venue="binance-futures", state="FILLED") == 1
        assert seen.value("execution_moves_total", venue="paper", state="SKIPPED") == 1
        assert seen.value("executions_unsettled", venue="binance-futures", state="WORKING") == 1
        assert seen.value("signals_waiting") == 0
        assert (seen.value("active_bots"), seen.value("active_subscriptions")) == (1, 2)
        assert seen.value("last_signal_timestamp_seconds") > 0
        assert seen.value("database_commit_size_sum") >= seen.value("database_commit_size_count") > 0
        assert seen.value("database_up") == 1


async def test_a_second_scrape_counts_nothing_twice(start_hub, simulator):
    async with start_hub(simulator_url=simulator.url) as desk:
        provider, follower = await desk.person("provider"), await desk.person()
        bot, secret = await desk.bot(provider)
        await desk.subscription(follower, bot, await desk.paper_account(follower))
        await desk.alert(bot, secret, wait=2.5)
        desk.hub.clock.forward(seconds=5)

        first, second = await scrape(desk), await scrape(desk)

        for name in ("execution_moves_total", "signal_first_result_seconds_count", "signal_last_result_seconds_count"):
            assert first.value(name) == second.value(name) > 0


async def test_a_signal_s_last_result_waits_for_its_last_follower(start_hub, simulator):
    async with start_hub(simulator_url=simulator.url) as desk:
        provider, fast, slow = await desk.person("provider"), await desk.person(), await desk.person()
        bot, secret = await desk.bot(provider)
        keys = await simulator.key()
        await desk.subscription(fast, bot, await desk.paper_account(fast))
        await desk.subscription(slow, bot, await desk.futures_account(slow, simulator, **keys))
        await simulator.tell(
            "faults", kind="delay_before", account=keys["api_key"], path="POST /fapi/v1/order", delay_s=3, next_n=1
        )
        await desk.alert(bot, secret, wait=1)
        desk.hub.clock.forward(seconds=5)

        before = await scrape(desk)
        await eventually(lambda: is_settled(desk))
        await simulator.heal()
        desk.hub.clock.forward(seconds=5)
        after = await scrape(desk)

        assert before.value("signal_first_result_seconds_count") == 1
        assert before.value("signal_last_result_seconds_count") == 0
        assert after.value("signal_first_result_seconds_count") == 1
        assert after.value("signal_last_result_seconds_count") == 1
        assert after.value("signal_last_result_seconds_sum") > 2


async def is_settled(desk):
    return not await desk.hub.store.read(lambda tables: tables.figures.unsettled())


async def test_requests_are_counted_by_route_and_no_address_or_method_becomes_a_label(start_hub):
    async with start_hub() as desk:
        person = await desk.person()
        for number in range(3):
            await person.get(f"{BOTS}/{number}")
        await person.get("/no/such/place/at/all")
        await person.send("INVENTED", "/health")

        seen = await scrape(desk)

        assert seen.value("http_requests_total", route="/api/v1/bots/{bot_id}", method="GET", status="404") == 3
        assert seen.value("http_requests_total", route="none", status="404") == 1
        assert {one.labels["method"] for one in seen.samples if one.name == "copydesk_http_requests_total"} == {
            "GET",
            "other",
        }
        assert not [one for one in seen.samples if "such/place" in one.labels.get("route", "")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_database_that_is_away_shows_in_the_metrics_and_does_not_end_them(start_hub):
    from test_web_status import lose_tables

    async with start_hub(metrics_token=TOKEN) as desk:
        await lose_tables(desk)

        answer = await desk.nobody.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

        assert answer.status_code == 200
        assert Scrape(answer.text).value("database_up") == 0
