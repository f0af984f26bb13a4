"""What the browser is told to do by script. A message costs the dashboard as much as the words in it, so one look's are sent as one."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nicegui import Client

_gathered: ContextVar[list[str] | None] = ContextVar("gathered", default=None)


def run_script(client: Client, code: str) -> None:
    """Code that fails does not keep what is gathered with it from running."""
    waiting = _gathered.get()
    if waiting is None:
        _send(client, code)
    else:
        waiting.append(f"try {{ {code} }} catch (error) {{ console.error(error) }}")


@contextmanager
def together(client: Client) -> Iterator[None]:
    """All of it is sent at the end, in its order."""
    waiting: list[str] = []
    before = _gathered.set(waiting)
    try:
        yield
    finally:
        _gathered.reset(before)
        if waiting:
            _send(client, "\n".join(waiting))


def _send(client: Client, code: str) -> None:
    """As `client.run_javascript` does where nobody waits for a result, without its task that finds out whether somebody does."""
    client.outbox.enqueue_message("run_javascript", {"code": code}, client.id)
