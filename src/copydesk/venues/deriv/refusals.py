"""What an error of Deriv's means; a code that is not listed here is unknown: it may have happened.

Codes: facts §5.2, as the venue's clients and their tests have seen them. Texts vary there, and are never read.
"""

from collections.abc import Mapping
from typing import Any

from copydesk.domain.errors import (
    CredentialsRefused,
    OrderRejected,
    OutcomeUnknown,
    VenueError,
    VenueUnavailable,
)

NOT_FOR_SALE = frozenset({"InvalidSellContractProposal", "NoOpenPosition"})
"""The contract is not bought back (any more): its own end is what is left."""

_CREDENTIALS = frozenset({"InvalidToken", "DisabledClient", "PermissionDenied"})

_NOT_NOW = frozenset({"AuthorizationRequired", "InvalidAppID", "RateLimit", "StreamingNotAllowed", "AlreadySubscribed"})
"""Turned away before it was looked at; none of them is the follower's fault."""

_REJECTED = NOT_FOR_SALE | {
    "ContractBuyValidationError",
    "ContractCreationFailure",
    "InputValidationFailed",
    "InsufficientBalance",
    "InvalidContractProposal",
    "InvalidSymbol",
    "InvalidtoBuy",
    "MarketIsClosed",
    "OfferingsValidationError",
    "PriceMoved",
    "UnrecognisedRequest",
}

RATE_LIMIT_S = 30.0
"""The venue counts by the minute, and does not say when the next one begins."""


def refusal_of(error: Mapping[str, Any]) -> VenueError:
    """Of the `error` in an answer."""
    code, text = str(error.get("code", "")), str(error.get("message", ""))
    what = f"Deriv answered {code}: {text}"
    if code in _CREDENTIALS:
        return CredentialsRefused(what, code=code)
    if code in _NOT_NOW:
        return VenueUnavailable(what, code=code, retry_after_s=RATE_LIMIT_S if code == "RateLimit" else None)
    if code in _REJECTED:
        return OrderRejected(what, code=code)
    return OutcomeUnknown(what, code=code)
