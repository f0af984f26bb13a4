"""What every list takes and answers: filters, `limit`, `cursor`, `total`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

T = TypeVar("T")

LIMIT_MAX = 500


class Paging(BaseModel):
    """Newest first; `cursor` is the `next` of the page before."""

    limit: int
    cursor: str | None
    total: bool


def _paging(
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=40, pattern=r"^[0-9a-z]+$")] = None,
    total: bool = False,
) -> Paging:
    return Paging(limit=limit, cursor=cursor, total=total)


PageOf = Annotated[Paging, Depends(_paging)]


class Page(BaseModel, Generic[T]):
    """`total` is there when it was asked for."""

    items: Sequence[T]
    next: str | None
    total: int | None = None


def given(**filters: Any) -> Mapping[str, Any]:
    """The filters that were set."""
    return {name: value for name, value in filters.items() if value is not None}
