"""The desk in a browser: NiceGUI pages that know nothing but the API's client."""

from collections.abc import Callable


def run(*, api_url: str, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT; port 0 picks a free one. `on_ready` gets the port once it listens."""
    # NiceGUI takes a second to import; the command line's other verbs must not wait for it.
    from copydesk.dashboard import server  # noqa: PLC0415

    server.run(api_url=api_url, host=host, port=port, on_ready=on_ready)
