"""The people of the playground, and the orders that can be placed there by a button."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gateway.access import Role
from i18n.catalogues import N_, Locale, translator
from orders.place_order import Line, Party, PlaceOrder
from orders.policy import Policy
from orders.values import Money

EXAMPLE: Final = "example"
"""What the ids of the orders begin with that are there to look at."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom one can be."""

    role: Role
    id: str
    name: str
    about: str


PEOPLE: Final = (
    Person(Role.BUYER, "buyer-7", "Anna", N_("orders, pays, and changes her mind")),
    Person(Role.SELLER, "seller-3", "Shop 3", N_("ships, and answers those who change their mind")),
    Person(Role.SUPPORT, "support-1", "Marta", N_("judges proofs and decides disputes")),
)
"""The parties of the sample orders, and a mediator."""


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """An order to place: its lines with prices in minor units, and how fast it lives."""

    name: str
    title: str
    about: str
    currency: str
    shipping: int
    lines: tuple[tuple[str, int, int], ...]
    policy: Policy


SAMPLES: Final = (
    SampleOrder(
        "cable",
        N_("A cable, in euros"),
        N_("20 days to pay, 14 days for the shop to answer, skipped by buttons"),
        "EUR",
        0,
        ((N_("USB-C cable, 2 m"), 2, 1245),),
        Policy(),
    ),
    SampleOrder(
        "lamp",
        N_("A lamp and bulbs, in złoty"),
        N_("two products and shipping"),
        "PLN",
        1299,
        ((N_("Desk lamp"), 1, 12900), (N_("LED bulb"), 3, 2450)),
        Policy(),
    ),
    SampleOrder(
        "quick",
        N_("The cable, quickly"),
        N_("a check of 10 seconds, and 2 minutes for the shop to answer, by the clock on the wall"),
        "EUR",
        0,
        ((N_("USB-C cable, 2 m"), 2, 1245),),
        Policy(
            payment_review=timedelta(seconds=10),
            seller_reply_window=timedelta(minutes=2),
            seller_reminders=(timedelta(minutes=1),),
            refund_checks=(timedelta(seconds=5), timedelta(seconds=10)),
        ),
    ),
)
"""What can be placed by a button."""


def sample_order(sample: SampleOrder, order_id: str, locale: Locale) -> PlaceOrder:
    """A sample's order between the buyer and the seller of the playground, in a language."""
    said = translator(locale)

    def money(amount: int) -> Money:
        return Money.model_validate({"amount": amount, "currency": sample.currency})

    buyer, seller, _ = PEOPLE
    return PlaceOrder(
        order_id=order_id,
        buyer=Party(id=buyer.id, name=buyer.name, locale=locale),
        seller=Party(id=seller.id, name=seller.name, locale=locale),
        lines=tuple(
            Line(
                sku=f"{sample.name}-{number}",
                title=said.gettext(title),
                quantity=quantity,
                unit_price=money(price),
            )
            for number, (title, quantity, price) in enumerate(sample.lines, 1)
        ),
        shipping_price=money(sample.shipping),
        policy=sample.policy,
    )
