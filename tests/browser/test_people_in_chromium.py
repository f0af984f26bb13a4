"""Follow, Accounts, Notifications and Admin in a real browser against the running demo: both languages, on a desk and on a phone."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

LANGUAGES = ("en-GB", "pt-BR")
WIDTHS = (1440, 390)

PAGES = {
    "follow": ("follower1", "/follow"),
    "follow-new": ("follower1", "/follow/new"),
    "accounts": ("follower1", "/accounts"),
    "account-new": ("follower1", "/accounts/new"),
    "notifications": ("follower1", "/notifications"),
    "admin": ("admin", "/admin"),
    "user-new": ("admin", "/admin/users/new"),
}
WORDS = {
    "en-GB": {
        "follow": ["EMA Cross 15m Demo", "active", "Leave"],
        "follow-new": ["Bot and account", "Next"],
        "accounts": ["Binance", "key accepted"],
        "account-new": ["Add an account", "Add and check"],
        "notifications": ["Where you are told", "An order failed", "Quiet hours"],
        "admin": ["follower1", "subscription.create", "The master key is in no backup"],
        "user-new": ["New user", "Save"],
    },
    "pt-BR": {
        "follow": ["EMA Cross 15m Demo", "ativa", "Sair"],
        "follow-new": ["Robô e conta", "Avançar"],
        "accounts": ["Binance", "chave aceita"],
        "account-new": ["Adicionar uma conta", "Adicionar e verificar"],
        "notifications": ["Onde você é avisado", "Uma ordem falhou", "Horas de silêncio"],
        "admin": ["follower1", "subscription.create", "A chave mestra não está em nenhum backup"],
        "user-new": ["Novo usuário", "Salvar"],
    },
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_tells_its_story_and_can_be_used_by_everybody(window, name, language, width):
    who, path = PAGES[name]
    seen = window(who, language, width)

    seen.open(path)

    seen.sees(*WORDS[language][name])
    seen.picture(name)
    assert seen.shortcomings() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_bot_is_followed_step_by_step_and_the_preview_comes_before_the_yes(window, width):
    seen = window("follower2", "en-GB", width)
    page = seen.open("/follow/new")
    choose(page, "Bot", "EMA Cross")
    choose(page, "Account", "binance-futures")
    go_on(page, "Pre-flight")
    seen.sees("Ready to trade", "cannot withdraw")
    seen.picture("follow-check")
    go_on(page, "Size and stops")
    page.get_by_label("Margin").fill("40")
    page.get_by_label("Stop loss").fill("0")
    seen.sees("Counts: 40.00 USD, yours", "Counts: none, yours")
    seen.picture("follow-settings")
    go_on(page, "Risk")
    seen.sees("Limits stop openings.")
    seen.picture("follow-risk")
    go_on(page, "Preview")

    seen.sees("Openings copied", "Estimated result", "BTCUSDT open long")

    seen.picture("follow-preview")
    assert seen.shortcomings() == []


def test_two_quick_clicks_go_one_step(window):
    page = window("follower1").open("/follow/new")
    choose(page, "Bot", "EMA Cross")
    choose(page, "Account", "binance-futures")
    page.get_by_role("button", name="Next").evaluate("button => { button.click(); button.click() }")
    expect(page.get_by_role("heading", name="Pre-flight", exact=True, level=2)).to_be_visible()
    # As one that was made on the step before and comes late.
    page.get_by_role("button", name="Next").evaluate(
        "button => { const here = button.dataset.step; button.dataset.step = '0'; button.click(); button.dataset.step = here }"
    )

    go_on(page, "Size and stops")


def test_a_second_subscription_of_the_same_kind_is_refused_in_the_hub_s_words(window):
    seen = window("follower1")
    page = seen.open("/follow/new")
    choose(page, "Bot", "EMA Cross")
    choose(page, "Account", "binance-futures")
    for step in ("Pre-flight", "Size and stops", "Risk", "Preview"):
        go_on(page, step)
    seen.sees("Openings copied")

    page.get_by_role("button", name="Follow", exact=True).click()

    seen.sees("this account already follows this bot")


@pytest.mark.parametrize("width", WIDTHS)
def test_an_account_shows_its_curve_what_it_holds_and_its_report(window, width):
    seen = window("follower1", "en-GB", width)
    page = seen.open("/accounts")
    page.get_by_role("heading").get_by_role("link", name="Binance").click()
    seen.sees("Equity curve", "Closed trades")
    expect(page.locator(".chart canvas").first).to_be_visible()
    page.get_by_role("button", name="Pre-flight check").click()

    seen.sees("Ready to trade")

    seen.picture("account")
    assert seen.shortcomings() == []


def test_an_admin_verifies_the_chain_and_makes_a_backup(window):
    seen = window("admin")
    page = seen.open("/admin")
    page.get_by_role("button", name="Verify the chain").click()
    seen.sees("Whole: all")
    page.get_by_role("button", name="Make a backup").click()

    seen.sees("The backup is made and verified.", "copydesk-")

    seen.picture("admin-done")


def test_a_follower_finds_no_admin_page(window):
    seen = window("follower1")

    seen.open("/admin")

    seen.sees("This page is not for your role.")


def choose(page, label, words):
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option").filter(has_text=words).first.click()


def go_on(page, step):
    """To the next step, which is there when its heading is."""
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name=step, exact=True, level=2)).to_be_visible()
