"""Where people are told: addresses of many services, behind one call."""

from typing import Protocol

from copydesk.domain.notice import Destination


class Notifier(Protocol):
    """An address is a secret: nothing that is raised, returned or logged holds it."""

    async def read(self, text: str) -> Destination:
        """What may be shown of an address; raise InvalidInput where it cannot or must not be sent to."""
        ...

    async def send(self, text: str, *, title: str, body: str) -> str | None:
        """None where the service took it, else why not."""
        ...

    async def close(self) -> None: ...
