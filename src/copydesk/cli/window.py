"""`copydesk window`: one window on one local page, for the program that starts it."""

from copydesk.dashboard.desktop import run_window


def window() -> None:
    """Show the page that standard input names, until it is closed."""
    run_window()
