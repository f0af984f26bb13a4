"""One account and what moved its money."""

from dataclasses import dataclass, field
from decimal import Decimal

SCOPES = ("read", "trade", "trading_information", "payments", "admin")


@dataclass(slots=True, kw_only=True)
class Transaction:
    """``amount``: signed, as it changed the balance."""

    transaction_id: int
    action: str
    amount: Decimal
    balance_after: Decimal
    time: int
    contract_id: int | None = None
    reference_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Account:
    """``token``: what its owner signs in with, and its name in the ledger."""

    token: str
    loginid: str
    user_id: int
    currency: str
    is_virtual: bool
    created: int
    scopes: tuple[str, ...] = SCOPES
    disabled: bool = False
    balance: Decimal = Decimal(0)
    transactions: list[Transaction] = field(default_factory=list)
