"""The command line's money side: reconcile, and the books (R14-R17, R23).

Both print a table, and end with exit status 1 when something is wrong.
"""

from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowFailureError

from activities.reconciliation import Report
from cli.orders import Failure, connection, open_journal
from cli.rendering import instant, named, refusal
from database.journal import AccountSum, HeldSum, sums_of
from i18n.catalogues import N_, translator
from i18n.current import say, say_number, spoken
from i18n.formats import amount_text
from orders.values import Balance
from runtime.temporal import first_line
from workflows import calls

_MOST_DAYS = 3650

_ACCOUNTS = {
    "cash": N_("cash at the provider"),
    "held": N_("held for orders"),
    "refunds": N_("on its way back to buyers"),
    "seller": N_("owed to sellers"),
    "stray": N_("stray money"),
}
"""The ledger's accounts (``orders.accounting``), as a bookkeeper reads them."""


async def reconcile(out: Console, days: int) -> int:
    """Compare provider, ledger and workflows now; 1 when anything differs, repaired or not."""
    if not 1 <= days <= _MOST_DAYS:
        raise Failure(say("--days must be between 1 and {most}.", most=_MOST_DAYS))
    async with connection() as client:
        try:
            report = await calls.reconcile(client, days)
        except WorkflowFailureError as error:
            raise Failure(
                say(
                    "The comparison could not be made: {why}",
                    why=first_line(error.cause.__cause__),
                ),
                status=1,
            ) from None
    if report.findings:
        out.print(_findings(report))
    differences = len(report.findings) + report.more
    out.print(_compared(report, days, differences))
    if any(it.repaired for it in report.findings):
        out.print(say("What was missing has been brought again: run it once more to see it gone."))
    return 1 if differences else 0


async def books(out: Console) -> int:
    """Print the trial balance and what is held per status; 1 when a currency does not sum to zero."""
    async with open_journal() as journal:
        balance, held = await journal.trial_balance(), await journal.held_by_status()
    if not balance:
        out.print(say("The ledger is empty."))
        return 0
    sums = sums_of(balance)
    out.print(_trial_balance(balance, sums))
    if held:
        out.print(_held(held))
    if not any(sums.values()):
        return 0
    out.print(say("WRONG: the ledger does not sum to zero."))
    return 1


def _compared(report: Report, days: int, differences: int) -> str:
    return say(
        "Compared {payments}, {refunds}, {chargebacks} and {orders} {period}: {differences}.",
        payments=say_number("{number} payment", "{number} payments", report.payments),
        refunds=say_number("{number} refund", "{number} refunds", report.refunds),
        chargebacks=say_number("{number} chargeback", "{number} chargebacks", report.chargebacks),
        orders=say_number("{number} order", "{number} orders", report.orders),
        period=say_number("of the last {number} day", "of the last {number} days", days),
        differences=say_number("{number} difference", "{number} differences", differences)
        if differences
        else say("no differences"),
    )


def _findings(report: Report) -> Table:
    table = Table(
        say("about"), say("what"), say("expected"), say("found"), say("since"), "", box=None
    )
    for it in report.findings:
        table.add_row(
            refusal(it.about, None),
            named("finding", it.what),
            refusal(it.expected, None),
            refusal(it.found, None),
            instant(it.since),
            say("brought again") if it.repaired else "",
        )
    if report.more:
        table.add_row("...", say_number("and {number} more", "and {number} more", report.more))
    return table


def _trial_balance(balance: list[AccountSum], sums: dict[str, int]) -> Table:
    table = Table(
        say("currency"), say("account"), box=None, title=say("Trial balance"), title_justify="left"
    )
    table.add_column(say("debit"), justify="right")
    table.add_column(say("credit"), justify="right")
    accounts = translator(spoken())
    for currency, total in sums.items():
        for it in (entry for entry in balance if entry.currency == currency):
            written = _amount(abs(it.amount), currency)
            sides = (written, "") if it.amount >= 0 else ("", written)
            table.add_row(currency, accounts.gettext(_ACCOUNTS[it.account]), *sides)
        table.add_row(currency, say("sum"), _amount(total, currency), style="bold")
    return table


def _held(held: list[HeldSum]) -> Table:
    table = Table(
        say("currency"), say("status"), box=None, title=say("Held for orders"), title_justify="left"
    )
    table.add_column(say("amount"), justify="right")
    for it in held:
        table.add_row(it.currency, named("status", it.status), _amount(it.amount, it.currency))
    return table


def _amount(amount: int, currency: str) -> str:
    return amount_text(Balance.booked(amount, currency), spoken())
