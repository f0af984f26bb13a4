"""What the venue says no with: its codes (facts §5.2) and their usual texts."""

from typing import Any

# The code and the text it has when nothing more is to be said; `refuse` among the faults can cause each of them.
CODES = {
    "AlreadySubscribed": "You are already subscribed.",
    "AuthorizationRequired": "Please log in.",
    "ContractBuyValidationError": "Contract's stake amount or payout is not valid.",
    "ContractCreationFailure": "Cannot create contract.",
    "DisabledClient": "This account is unavailable.",
    "InputValidationFailed": "Input validation failed.",
    "InsufficientBalance": "Your account balance is insufficient to buy this contract.",
    "InvalidAppID": "Your app_id is invalid.",
    "InvalidContractProposal": "Unknown contract proposal",
    "InvalidSellContractProposal": "Unknown contract sell proposal",
    "InvalidSymbol": "This symbol is invalid.",
    "InvalidToken": "The token is invalid.",
    "InvalidtoBuy": "This contract can not be bought.",
    "MarketIsClosed": "This market is presently closed.",
    "NoOpenPosition": "This contract was not found among your open positions.",
    "OfferingsValidationError": "Trading is not offered for this contract.",
    "PermissionDenied": "Permission denied.",
    "PriceMoved": "The underlying market has moved too much since you priced the contract.",
    "RateLimit": "You have reached the rate limit.",
    "StreamingNotAllowed": "Streaming for this symbol is not available due to license restrictions.",
    "UnrecognisedRequest": "Unrecognised request.",
    "WrongResponse": "There was a problem processing your request.",
}


class RefusedError(Exception):
    """A no of the venue; nothing has been done."""

    def __init__(self, code: str, message: str | None = None, details: dict[str, Any] | None = None) -> None:
        self.code = code
        self.message = CODES[code] if message is None else message
        self.details = details
        super().__init__(f"{code}: {self.message}")
