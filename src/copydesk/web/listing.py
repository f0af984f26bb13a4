"""What every list takes: filters, `limit`, `cursor`, `total`."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, Field

LIMIT_MAX = 500
NO_NUL = r"^[^\x00]*$"

TextFilter = Annotated[str | None, Query(max_length=120, pattern=NO_NUL)]
IdFilter = Annotated[str | None, Query(max_length=40, pattern=NO_NUL)]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="how many at most")]
Cursor = Annotated[str, Field(pattern=r"^[0-9a-hjkmnp-tv-z]{26}$")]
Total = Annotated[bool, Query(description="whether to count them all")]


class Paging(BaseModel):
    """Newest first; `cursor` is the `next` of the page before."""

    limit: int
    cursor: str | None
    total: bool


async def _paging(
    limit: Limit = 50,
    cursor: Annotated[Cursor | None, Query(description="the `next` of the page before")] = None,
    total: Total = False,
) -> Paging:
    return Paging(limit=limit, cursor=cursor, total=total)


PageOf = Annotated[Paging, Depends(_paging)]


def given(**filters: Any) -> Mapping[str, Any]:
    """The filters that were set."""
    return {name: value for name, value in filters.items() if value is not None}
