"""What is wrong with an alert, and what would make it clear: collected, then raised as one refusal."""

from collections.abc import Sequence
from typing import NoReturn

from copydesk.domain.errors import FieldError, InvalidInput

TEXT_MAX = 200
"""Characters of somebody's own words that a refusal repeats."""

NOT_UNDERSTOOD = "not_understood"


class Problems:
    """Of one instruction; `place` tells which one of several (`[1].`)."""

    def __init__(self, place: str = "") -> None:
        self._place = place
        self.found: list[FieldError] = []
        self.code = NOT_UNDERSTOOD

    def add(self, field: str, problem: str, *, code: str = NOT_UNDERSTOOD) -> None:
        """`code` counts where nothing else is wrong."""
        self.code = NOT_UNDERSTOOD if self.found else code
        self.found.append(FieldError(self._place + field[:TEXT_MAX], problem))

    def check(self) -> None:
        """Raise InvalidInput if anything was found."""
        if self.found:
            refuse(self.found, self.code)


def refuse(found: Sequence[FieldError], code: str = NOT_UNDERSTOOD) -> NoReturn:
    summary = "; ".join(f"{one.field}: {one.problem}" for one in found)
    raise InvalidInput(f"the alert is not understood: {summary}", tuple(found), code=code)


def shown(value: object) -> str:
    """Somebody's words, quoted and cut."""
    return repr(value if isinstance(value, str) else str(value))[: TEXT_MAX + 2]
