"""The refusals of the API as its description tells them."""

from typing import Any

from copydesk.web.errors import CODES

REFERENCE = "#/components/schemas/"

SAYS = {
    401: "sign in first: POST /token",
    403: "your role may not do this",
    404: "no such {thing}",
    413: "the body may have 262144 bytes",
    422: "limit: Input should be less than or equal to 500",
    429: "too many requests",
    503: "the database did not take it: nothing is stored, please try again",
}
_MEANS = {
    401: "Not signed in, or the token has expired",
    403: "Not for this role",
    404: "No such thing, or not the caller's",
    409: "It contradicts what is stored",
    413: "The body is too large",
    422: "Not understood; nothing is stored. `details.fields` names each field and its problem",
    429: "Too many requests; `Retry-After` tells when to come back",
    503: "The database does not answer; nothing is stored",
}
_FIELDS = {"fields": [{"field": "limit", "problem": "Input should be less than or equal to 500"}]}
_NAMES_FIELDS = frozenset({422})
_TELLS_WHEN = frozenset({429})
_RETRY_AFTER = {"Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 0}}}


def refuses(status: int, text: str) -> dict[int | str, dict[str, Any]]:
    """For a route that may say no in a way that does not follow from its policy and its method."""
    return {status: describe_refusal(status, text)}


def describe_refusal(status: int, text: str) -> dict[str, Any]:
    error = {"code": CODES[status], "message": text, "details": _FIELDS if status in _NAMES_FIELDS else {}}
    content = {"schema": {"$ref": REFERENCE + "ErrorAnswer"}, "example": {"error": error}}
    headers = {"headers": _RETRY_AFTER} if status in _TELLS_WHEN else {}
    return {"description": _MEANS[status], "content": {"application/json": content}, **headers}
