"""What people are told of stray payments (R17, R21); see ``adapters.notifications.texts``.

The buyer is the payer, where known.
"""

from typing import Final

from adapters.notifications.texts import Texts
from i18n.catalogues import N_
from orders.notifications import NotificationKind

STRAY_PAYMENT_TEXTS: Final[dict[str, Texts]] = {
    NotificationKind.STRAY_REFUND_STARTED: Texts(
        subject=N_("We are returning your payment"),
        buyer=N_(
            "We received a payment of {money} from you that could not be matched to an order. You will get "
            "all of it back by {due_by}. Reference: {order}."
        ),
    ),
    NotificationKind.STRAY_REFUND_SUCCEEDED: Texts(
        subject=N_("Your payment has been returned"),
        buyer=N_(
            "Your payment of {money}, which could not be matched to an order, has been returned to you. "
            "Reference: {order}."
        ),
    ),
    NotificationKind.STRAY_REFUND_FAILED: Texts(
        subject=N_("A payment could not be returned yet"),
        buyer=N_(
            "We could not yet return your payment of {money}, which could not be matched to an order.{why} "
            "Our support team is taking care of it; your money is not lost. Reference: {order}."
        ),
        support=N_(
            "{order}: the stray payment of {money} could not be returned.{why} Please make sure that its "
            "payer gets the money."
        ),
    ),
    NotificationKind.STRAY_REFUND_REQUIRES_ACTION: Texts(
        subject=N_("The return of a payment is waiting for details"),
        buyer=N_(
            "Before {money}, which you paid and which could not be matched to an order, can be returned, "
            "the payment provider needs something from you, such as your bank details. Please look for its "
            "e-mail and answer it{until}. Your money is not lost. Reference: {order}."
        ),
        support=N_(
            "{order}: the return of {money}, which belongs to no order, waits for its payer, from whom the "
            "provider needs something, such as bank details{until}.{why} Please wait and do not pay another "
            "way: the payer would have the money twice."
        ),
    ),
    NotificationKind.STRAY_REFUND_RETURNED: Texts(
        subject=N_("The return of a payment has come back"),
        buyer=N_(
            "We returned {money}, which you paid and which could not be matched to an order, but the money "
            "has come back to us.{why} Our support team will send it to you another way; it is not lost. "
            "Reference: {order}."
        ),
        support=N_(
            "{order}: the return of {money}, which belongs to no order, was reported as paid, but the money"
            " has come back.{why} Please send it to its payer another way."
        ),
    ),
    NotificationKind.STRAY_REFUND_OVERDUE: Texts(
        subject=N_("The return of a payment is late"),
        buyer=N_(
            "Your payment of {money}, which could not be matched to an order, should have been returned by "
            "now. We are sorry for the delay; our support team is taking care of it. Reference: {order}."
        ),
        support=N_(
            "{order}: the return of the stray payment of {money} is overdue: its two weeks have passed. "
            "Please look into it."
        ),
    ),
    NotificationKind.STRAY_PAYMENT_REVERSED: Texts(
        subject=N_("Stray payment: failed after all"),
        support=N_(
            "{order}: stray payment {payment_id} failed after it had come in, and its money has been taken "
            "back.{why} Nothing more is returned to its payer. Paid back twice: {twice}."
        ),
    ),
    NotificationKind.STRAY_OUTSIDE_REFUND: Texts(
        subject=N_("A payment was sent back by the payment provider"),
        buyer=N_(
            "The payment provider has sent back to you {money} of your payment that could not be matched to"
            " an order.{why} There is nothing for you to do. Reference: {order}."
        ),
        support=N_(
            "{order}: the provider has refunded {money} of stray payment {payment_id} without our asking "
            "({provider_refund_id}).{why} It counts as returned to the payer. Please look into it if none "
            "of us did it."
        ),
    ),
    NotificationKind.STRAY_OUTSIDE_REFUND_FAILED: Texts(
        subject=N_("Money sent back by the payment provider did not arrive"),
        buyer=N_(
            "The {money} that the payment provider was sending back to you, of a payment that could not be "
            "matched to an order, did not arrive.{why} Your money is not lost; we will return it. "
            "Reference: {order}."
        ),
        support=N_(
            "{order}: the refund of {money} that the provider made of stray payment {payment_id} without "
            "our asking ({provider_refund_id}) has failed.{why} What is still with us is returned to the "
            "payer."
        ),
    ),
    NotificationKind.STRAY_UNMATCHED_MONEY: Texts(
        subject=N_("Stray payment: money that cannot be matched"),
        support=N_(
            "{order}: what the provider took of stray payment {payment_id} does not match what was paid; "
            "the difference is {amounts}. Please say on the payment's page who bears it."
        ),
    ),
    NotificationKind.STRAY_REFUND_STOPPED: Texts(
        subject=N_("The return of a payment is on hold"),
        buyer=N_(
            "The return of {money} is on hold because the same money is already going back to you another "
            "way. If that fails, it resumes. Reference: {order}."
        ),
    ),
    NotificationKind.STRAY_REFUND_RESTARTED: Texts(
        subject=N_("We are returning the rest of your payment"),
        buyer=N_(
            "Of your payment that could not be matched to an order, {money} is still with us. You will get "
            "it back by {due_by}. Reference: {order}."
        ),
    ),
    NotificationKind.STRAY_REFUND_AFTER_CHARGEBACK: Texts(
        subject=N_("Stray payment: paid back twice"),
        support=N_(
            "{order}: refund {refund_id}{sum} of stray payment {payment_id} was paid although its "
            "payer had already got the same money back another way. Please look into it."
        ),
    ),
    NotificationKind.STRAY_CHARGEBACK_OPENED: Texts(
        subject=N_("Stray payment: chargeback"),
        support=N_(
            "{order}: the payer's bank has opened a chargeback of {money} on stray payment {payment_id}. "
            "The same money is not returned while it is open. Paid back twice so far: {twice}."
        ),
    ),
    NotificationKind.STRAY_CHARGEBACK_REMINDER: Texts(
        subject=N_("Stray payment: the bank has not decided the chargeback yet"),
        support=N_(
            "{order}: the bank has not decided the chargeback on stray payment {payment_id} yet; {money} of"
            " it is on hold until then."
        ),
    ),
    NotificationKind.STRAY_CHARGEBACK_WON: Texts(
        subject=N_("Stray payment: chargeback won"),
        support=N_(
            "{order}: the chargeback on stray payment {payment_id} has been won. The money still with us is"
            " refunded to its payer. Paid back twice: {twice}."
        ),
    ),
    NotificationKind.STRAY_CHARGEBACK_LOST: Texts(
        subject=N_("Stray payment: chargeback lost"),
        support=N_(
            "{order}: the chargeback on stray payment {payment_id} has been lost: the payer keeps {money}. "
            "Paid back twice: {twice}."
        ),
    ),
}
