"""What a person at the terminal is told; where the lines go is the program's business."""

from typing import Protocol


class Tell(Protocol):
    """One line for people. `level` is success, info, warning or error, as in the live API."""

    def __call__(self, line: str, *, level: str = "info") -> None: ...
