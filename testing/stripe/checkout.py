"""A marketplace's checkout at Stripe, for tests and the soak: the product never takes a payment itself."""

import httpx
import stripe
from pydantic import SecretStr

from adapters.stripe.codes import ORDER_ID
from adapters.stripe.money import to_stripe
from orders.values import Money
from testing.stripe.front import VISA


class CheckoutUnavailable(Exception):
    """Stripe did not answer, or with a failure of its own: pay again with the same attempt."""


class Checkout:
    """Charges payment methods for orders; ``api_base`` is where Stripe's stand-in listens."""

    def __init__(self, api_key: SecretStr, api_base: str) -> None:
        self._http = stripe.HTTPXClient(timeout=httpx.Timeout(15.0))
        self._stripe = stripe.StripeClient(
            api_key.get_secret_value(),
            base_addresses={"api": api_base},
            http_client=self._http,
            max_network_retries=0,
        ).v1

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def pay(
        self, order_id: str, money: Money, payment_method: str = VISA, attempt: int = 1
    ) -> str:
        """The id of the charge, which may be a declined one.

        The same order and attempt again is the same charge. Raises CheckoutUnavailable.
        """
        amount, currency = to_stripe(money)
        try:
            intent = await self._stripe.payment_intents.create_async(
                {
                    "amount": amount,
                    "currency": currency,
                    "payment_method": payment_method,
                    "confirm": True,
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "metadata": {ORDER_ID: order_id},
                },
                {"idempotency_key": f"payment:{order_id}:{attempt}"},
            )
        except stripe.CardError as declined:
            charge: object = declined.error.charge if declined.error else None
        except stripe.StripeError as error:
            raise CheckoutUnavailable(f"Attempt {attempt} for order {order_id}.") from error
        else:
            charge = intent.latest_charge
        if not isinstance(charge, str):
            raise AssertionError("the buyer would have to take another step")
        return charge
