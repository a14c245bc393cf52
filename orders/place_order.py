"""An order as it is placed: who buys what of whom, at which prices and under which policy."""

from typing import Annotated, Literal

from pydantic import FailFast, Field, model_validator

from orders.errors import InvalidInput
from orders.policy import Policy
from orders.sentences import sentence
from orders.values import MAX_AMOUNT, Frozen, Money, NewOrderId, PartyId, ShortText, TimeZoneName


class Party(Frozen):
    """A buyer or a seller: who they are, their language, and where to tell them (Apprise URLs).

    Instants are told in ``time_zone``, a name of the IANA database; one that is not there, or none, is the
    installation's.
    """

    id: PartyId
    name: ShortText
    locale: Literal["pl", "en"]
    notify: Annotated[tuple[ShortText, ...], Field(max_length=10), FailFast()] = ()
    time_zone: TimeZoneName | None = None


class Line(Frozen):
    """So many of one thing at a unit price."""

    sku: ShortText
    title: ShortText
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    unit_price: Money


class PlaceOrder(Frozen):
    """The workflow's input: an order as it is placed.

    One currency throughout; what is due must be more than nothing and fit a signed 64-bit integer.
    """

    order_id: NewOrderId
    buyer: Party
    seller: Party
    # Judging 20,000 lines, each wrong in four ways, would keep everybody else waiting for seconds.
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100), FailFast()]
    shipping_price: Money
    policy: Policy = Policy()

    @model_validator(mode="after")
    def _adds_up(self) -> "PlaceOrder":
        if not self.shipping_price.same_currency(line.unit_price for line in self.lines):
            raise ValueError(sentence("all prices of an order must be in one currency"))
        if not 0 < self._total() <= MAX_AMOUNT:
            raise ValueError(
                sentence("the total must be between 1 and {most} minor units", most=MAX_AMOUNT)
            )
        return self

    def _total(self) -> int:
        return self.shipping_price.amount + sum(
            line.quantity * line.unit_price.amount for line in self.lines
        )

    @property
    def total(self) -> Money:
        """All lines and the shipping price."""
        return self.shipping_price.of(self._total())


def must_be_placeable(placed: PlaceOrder) -> None:
    """Raise InvalidInput for what a new order may not have, though one that was placed long ago may.

    Its id begins with a letter or digit: a browser turns ``/orders/..`` into another address.
    """
    problems = {f"policy.{name}": problem for name, problem in placed.policy.too_short().items()}
    if not placed.order_id[0].isalnum():
        problems = {"order_id": sentence("must begin with a letter or a digit"), **problems}
    if problems:
        raise InvalidInput.of("PlaceOrder", problems)
