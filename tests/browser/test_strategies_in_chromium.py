"""The strategy desk in a real browser: a backtest to its report, a bot made by the form, the ruin card before a ladder starts."""

import re
import secrets

import pytest
from browser_desk import TIMEOUT_MS
from playwright.sync_api import expect

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

WIDTHS = (1440, 390)
IN = {
    1440: {
        "language": "en-GB",
        "run": "Run the backtest",
        "result": ("BTCUSDT: what came of it", "Market alone", "Deepest drawdown", "Profit factor"),
        "report": "The report: trades on candles, in a new tab",
        "make": "Make the bot",
        "name": "Name",
        "stop": "Stop loss, %",
        "made": "It is stopped until you start it.",
        "strategy": "Strategy",
        "start": "Start",
        "ruin": "Ruin card: what a lost ladder costs",
        "cancel": "Cancel",
        "sure": "I have seen what it costs: start",
        "runs": "runs",
        "stopped": "stopped",
    },
    390: {
        "language": "pt-BR",
        "run": "Rodar o backtest",
        "result": ("BTCUSDT: o resultado", "Só o mercado", "Maior queda", "Fator de lucro"),
        "report": "O relatório: operações sobre candles, em nova aba",
        "make": "Criar o robô",
        "name": "Nome",
        "stop": "Stop loss, %",
        "made": "Fica parado até você iniciá-lo.",
        "strategy": "Estratégia",
        "start": "Iniciar",
        "ruin": "Ficha de ruína: o custo de uma escada perdida",
        "cancel": "Cancelar",
        "sure": "Vi quanto custa: iniciar",
        "runs": "rodando",
        "stopped": "parado",
    },
}


@pytest.fixture(params=WIDTHS, ids=str)
def words(request):
    return IN[request.param] | {"width": request.param}


def test_a_backtest_runs_to_its_figures_and_its_report_asks_nobody(window, desk, words):
    seen = window("provider", words["language"], words["width"])
    page = seen.open(f"/strategies/{desk.line['strategy_bots'][0]['id']}")
    card = page.locator("section.card").filter(has=page.get_by_role("button", name=words["run"]))
    card.get_by_role("button", name=words["run"]).click()
    expect(card.get_by_role("progressbar")).to_be_visible()

    expect(card.get_by_role("progressbar")).to_be_hidden(timeout=2 * TIMEOUT_MS)
    expect(card.get_by_text(words["result"][0])).to_be_visible(timeout=2 * TIMEOUT_MS)
    for told in words["result"]:
        expect(card.get_by_text(told).first).to_be_visible()
    expect(card.locator(".chart canvas").first).to_be_visible()
    card.scroll_into_view_if_needed()
    seen.picture("backtest")
    assert seen.shortcomings() == []
    asked = []
    seen.context.on("request", lambda request: asked.append(request.url))
    with seen.context.expect_page() as opening:
        card.get_by_role("link", name=words["report"]).click()
    report = opening.value
    expect(report.get_by_role("heading", name="copydesk backtest rsi")).to_be_visible()
    expect(report.locator("#market canvas").first).to_be_visible()
    report.screenshot(path=seen.screenshots / f"backtest-report-{words['width']}.png")
    assert report.evaluate("() => window.origin") == "null"
    report.close()
    assert [url for url in asked if not re.match(r"(data|blob):", url)] == [report.url]


def test_a_bot_is_made_by_the_form_once_it_has_a_stop_loss(window, words):
    seen = window("provider", words["language"], words["width"])
    page = seen.open("/strategies/new")
    name = f"RSI {secrets.token_hex(3)}"
    page.get_by_label(words["name"], exact=True).fill(name)
    page.get_by_label(words["stop"], exact=True).fill("0")

    page.get_by_role("button", name=words["make"]).click()

    expect(page.locator(".q-field--error").filter(has_text=words["stop"])).to_contain_text("a stop loss is compulsory")
    seen.picture("strategy-form")
    assert seen.shortcomings() == []
    page.get_by_label(words["stop"], exact=True).fill("2.5")
    page.get_by_role("button", name=words["make"]).click()
    page.wait_for_url(re.compile(r"/strategies/\w{26}$"), wait_until="commit")
    seen.sees(name, words["stopped"])
    expect(page.get_by_label(words["stop"], exact=True)).to_have_value("2.5")


def test_a_ladder_starts_only_when_its_ruin_card_was_seen(window, words):
    seen = window("provider", words["language"], words["width"])
    page = seen.open("/strategies/new")
    page.get_by_label(words["strategy"], exact=True).click()
    page.get_by_role("option").filter(has_text="streak").click()
    page.get_by_label(words["name"], exact=True).fill(f"Streak {secrets.token_hex(3)}")
    page.get_by_role("button", name=words["make"]).click()
    page.wait_for_url(re.compile(r"/strategies/\w{26}$"), wait_until="commit")

    page.get_by_role("button", name=words["start"], exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(words["ruin"])
    expect(dialog.get_by_role("row").nth(10)).to_be_visible()
    page.wait_for_timeout(400)  # for the picture's sake: it fades in
    seen.picture("ruin-before-start")
    dialog.get_by_role("button", name=words["cancel"]).click()
    expect(dialog).to_have_count(0)
    seen.sees(words["stopped"])

    page.get_by_role("button", name=words["start"], exact=True).click()
    dialog.get_by_role("button", name=words["sure"]).click()
    seen.sees(words["runs"])
