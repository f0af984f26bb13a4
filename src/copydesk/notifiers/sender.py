"""Send one message to one address, through Apprise, guarded and within a time limit."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from apprise import NotifyType

from copydesk.domain.errors import InvalidInput
from copydesk.domain.notice import Destination
from copydesk.notifiers.address import Address, read_address, refusal
from copydesk.notifiers.guard import inside, keep_log_apart, only_public, resolve

T = TypeVar("T")

log = structlog.get_logger()

THREADS = 4
"""Apprise waits in threads; so many messages are under way at once, the others wait for their turn."""

SEND_TIMEOUT_S = 30.0


class AppriseNotifier:
    """The Notifier of ports/notifier.py. `allowed_hosts` may be inside: the operator's own ntfy or gotify."""

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        keep_log_apart()
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="copydesk-notifier")

    async def read(self, text: str) -> Destination:
        return await self._run(lambda: self._read(text))

    async def send(self, text: str, *, title: str, body: str) -> str | None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await self._run(lambda: self._send(text, title, body))
        except TimeoutError:
            return f"no answer within {SEND_TIMEOUT_S:g} s"

    async def close(self) -> None:
        """What is under way is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        """In a thread even where nothing is sent: Apprise's first look takes as long as reading all its plugins."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _read(self, text: str) -> Destination:
        address = read_address(text)
        problem = self._refuse_host(address)
        if problem is not None:
            raise refusal(problem)
        return Destination(scheme=address.scheme, hint=address.hint)

    def _refuse_host(self, address: Address) -> str | None:
        if address.host is None or address.host.lower() in self._allowed_hosts:
            return None
        try:
            found = resolve(address.host)
        except OSError:
            return f"{address.host} cannot be found"
        if inside(found):
            return (
                f"{address.host} is a private address; whoever runs this desk can allow it: COPYDESK_NOTIFICATION_HOSTS"
            )
        return None

    def _send(self, text: str, title: str, body: str) -> str | None:
        try:
            address = read_address(text)
        except InvalidInput as error:
            return error.fields[0].problem
        problem = self._refuse_host(address)
        if problem is not None:
            return problem
        with only_public(self._allowed()) as complaints:
            try:
                sent = address.service.notify(body=body, title=title, notify_type=NotifyType.INFO)
            except Exception as error:  # noqa: BLE001  the boundary of one message: a plugin may break in any way
                log.warning("notification broke", scheme=address.scheme, error=type(error).__name__)
                return f"the service's plugin broke: {type(error).__name__}"
        if sent:
            return None
        return address.clean("; ".join(complaints)) or "the service did not take it"

    def _allowed(self) -> frozenset[str]:
        """Addresses of all hosts that the operator allows: the target's own, or a proxy's on the way to it."""
        found: set[str] = set()
        for host in self._allowed_hosts:
            with contextlib.suppress(OSError):
                found |= resolve(host)
        return frozenset(found)
