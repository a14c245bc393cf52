"""The command line's money side: reconcile, and the books (R14-R17, R23).

Both print a table, and end with exit status 1 when something is wrong.
"""

from typing import Annotated

from cyclopts import Parameter
from rich.table import Table
from temporalio.client import WorkflowFailureError

from activities.reconciliation import Report
from cli.arguments import Json
from cli.connection import connection, open_configured_database
from cli.console import out, print_json
from cli.failure import Failure
from cli.rendering import instant, named, refusal
from client import reconciliation
from database.ledger import AccountBalance, HeldBalance, SqlLedger, totals_by_currency
from i18n.catalogues import N_, translator
from i18n.current import current_locale, gettext, ngettext
from i18n.formats import amount_text
from orders.values import Balance
from runtime.temporal import first_line

_MOST_DAYS = 3650

_ACCOUNTS = {
    "cash": N_("cash at the provider"),
    "held": N_("held for orders"),
    "refunds": N_("on its way back to buyers"),
    "seller": N_("owed to sellers"),
    "stray": N_("stray money"),
    "unmatched": N_("unmatched money"),
    "marketplace": N_("borne by the marketplace"),
}
"""The ledger's accounts (``orders.accounting``), as a bookkeeper reads them."""


async def reconcile(
    *, days: Annotated[int, Parameter(metavar="DAYS")] = 35, as_json: Json = False
) -> int:
    """Compare what the payment provider, the ledger and the workflows say of the same money.

    Events that never arrived are redelivered; everything that differs is printed.

    Parameters
    ----------
    days
        How many days to look back.
    as_json
        Print JSON.
    """
    if not 1 <= days <= _MOST_DAYS:
        raise Failure(gettext("--days must be between 1 and {most}.", most=_MOST_DAYS))
    async with connection() as client:
        try:
            report = await reconciliation.reconcile(client, days)
        except WorkflowFailureError as error:
            raise Failure(
                gettext(
                    "The comparison could not be made: {why}",
                    why=first_line(error.cause.__cause__),
                ),
                status=1,
            ) from None
    differences = len(report.findings) + report.more
    if as_json:
        print_json({"days": days, "differences": differences, **report.model_dump()})
        return 1 if differences else 0
    if report.findings:
        out.print(_findings(report))
    out.print(_compared(report, days, differences))
    if any(it.repaired for it in report.findings):
        out.print(
            gettext("What was missing has been redelivered: run it once more to see it gone.")
        )
    return 1 if differences else 0


async def books(*, as_json: Json = False) -> int:
    """Print the ledger: the trial balance of all orders, which is zero, and the money held per status.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    async with open_configured_database() as database:
        ledger = SqlLedger(database)
        balance, held = await ledger.trial_balance(), await ledger.held_by_status()
    sums = totals_by_currency(balance)
    balanced = not any(sums.values())
    if as_json:
        accounts = [it._asdict() for it in balance]
        by_status = [it._asdict() for it in held]
        print_json({"balanced": balanced, "accounts": accounts, "held": by_status})
        return 0 if balanced else 1
    if not balance:
        out.print(gettext("The ledger is empty."))
        return 0
    out.print(_trial_balance(balance, sums))
    if held:
        out.print(_held(held))
    if balanced:
        return 0
    out.print(gettext("WRONG: the ledger does not sum to zero."))
    return 1


def _compared(report: Report, days: int, differences: int) -> str:
    return gettext(
        "Compared {payments}, {refunds}, {chargebacks} and {orders} {period}: {differences}.",
        payments=ngettext("{number} payment", "{number} payments", report.payments),
        refunds=ngettext("{number} refund", "{number} refunds", report.refunds),
        chargebacks=ngettext("{number} chargeback", "{number} chargebacks", report.chargebacks),
        orders=ngettext("{number} order", "{number} orders", report.orders),
        period=ngettext("of the last {number} day", "of the last {number} days", days),
        differences=ngettext("{number} difference", "{number} differences", differences)
        if differences
        else gettext("no differences"),
    )


def _findings(report: Report) -> Table:
    table = Table(
        gettext("about"),
        gettext("what"),
        gettext("expected"),
        gettext("found"),
        gettext("since"),
        "",
        box=None,
    )
    for column in table.columns:
        column.overflow = "fold"  # ids are to be copied
    for it in report.findings:
        table.add_row(
            refusal(it.about, None),
            named("finding", it.what),
            refusal(it.expected, None),
            refusal(it.found, None),
            instant(it.since),
            gettext("redelivered") if it.repaired else "",
        )
    if report.more:
        table.add_row("...", ngettext("and {number} more", "and {number} more", report.more))
    return table


def _trial_balance(balance: list[AccountBalance], sums: dict[str, int]) -> Table:
    table = Table(
        gettext("currency"),
        gettext("account"),
        box=None,
        title=gettext("Trial balance"),
        title_justify="left",
    )
    table.add_column(gettext("debit"), justify="right")
    table.add_column(gettext("credit"), justify="right")
    accounts = translator(current_locale())
    for currency, total in sums.items():
        for it in (entry for entry in balance if entry.currency == currency):
            written = _amount(abs(it.amount), currency)
            sides = (written, "") if it.amount >= 0 else ("", written)
            table.add_row(currency, accounts.gettext(_ACCOUNTS[it.account]), *sides)
        table.add_row(currency, gettext("sum"), _amount(total, currency), style="bold")
    return table


def _held(held: list[HeldBalance]) -> Table:
    table = Table(
        gettext("currency"),
        gettext("status"),
        box=None,
        title=gettext("Held for orders"),
        title_justify="left",
    )
    table.add_column(gettext("amount"), justify="right")
    for it in held:
        table.add_row(it.currency, named("status", it.status), _amount(it.amount, it.currency))
    return table


def _amount(amount: int, currency: str) -> str:
    return amount_text(Balance.booked(amount, currency), current_locale())
