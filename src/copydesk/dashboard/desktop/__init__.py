"""Windows on this machine: pages of the Master Sender, the Client Copier and the launcher, on loopback and for one person."""

from copydesk.ports.beside import Known, Opened, Worker


def run_window() -> None:
    """One window on one page, in a process of its own; what it talks is `webview.py`'s business."""
    from copydesk.dashboard.desktop import webview  # noqa: PLC0415  the command line's other verbs must not wait for it

    webview.run()


__all__ = ["Known", "Opened", "Worker", "run_window"]
