"""Where an order's money is: double entry, pure. ``ledger`` keeps the same postings in a database.

Accounts of one order; a positive leg is a debit, a negative one a credit, and every posting sums to zero:

    cash     at the payment provider (an asset: positive while the provider holds money of the order)
    held     for the order, undecided (a liability: negative)
    refunds  decided to go back to the buyer, not yet settled (a liability: negative)
    seller   owed to the seller (a liability: negative; positive when the seller owes for a chargeback)
    stray    money that no order can take, until it is back with its payer (R17; a liability: negative;
             positive when its payer has it twice, by a refund and by a chargeback)
    unmatched    what the provider took and no payment accounts for: beyond what was paid, or in another
             currency (R23; positive, and negative for what was booked in its stead); support says who bears
             it
    marketplace  what the marketplace bears of that (an expense: positive)

What is held at the provider is owed to somebody: the accounts of each currency sum to zero. Paying the seller
out is not this process's to do, so a seller's money stays in cash and seller; all else ends at zero.
"""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_extra_types.currency_code import Currency

from orders import keys
from orders.values import Frozen, Instant, Mutable

ACCOUNTS = ("cash", "held", "refunds", "seller", "stray", "unmatched", "marketplace")


def _balanced(legs: dict[str, int]) -> dict[str, int]:
    if unknown := set(legs) - set(ACCOUNTS):
        raise ValueError(f"no such account: {', '.join(sorted(unknown))}")
    if sum(legs.values()) != 0:
        raise ValueError("the legs of a posting must sum to zero")
    return legs


class Posting(Frozen):
    """One movement of money in minor units, written once: its key is order id and step."""

    order_id: str
    step: str
    at: Instant
    currency: Currency
    legs: Annotated[dict[str, int], AfterValidator(_balanced)]
    by_id: str | None = None
    """Who caused it, where a person did (R25)."""

    @property
    def key(self) -> str:
        """What makes it take effect once."""
        return keys.posting_key(self.order_id, self.step)


class Balances(Mutable):
    """The balances of one order's accounts, in minor units and with the signs of the table above."""

    balances: dict[str, int] = Field(default_factory=dict)

    def add(self, posting: Posting) -> None:
        """Take a posting into the balances."""
        for account, amount in posting.legs.items():
            self.balances[account] = self.balances.get(account, 0) + amount

    def balance(self, account: str) -> int:
        """The balance of an account: what is owed to somebody is negative."""
        return self.balances.get(account, 0)

    @property
    def held_or_refunding(self) -> int:
        """What is still held for the order: undecided, or on its way back."""
        return -self.balance("held") - self.balance("refunds")

    @property
    def owed_to_seller(self) -> int:
        """What the seller is owed; negative when a chargeback took more than was held."""
        return -self.balance("seller")
