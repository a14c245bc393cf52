"""The command line's money side: reconcile, and the books (R14-R17, R23).

Both print a table, and end with exit status 1 when something is wrong.
"""

from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowFailureError

from activities.reconciliation import Report
from commandline import Failure, connection, open_journal
from connecting import first_line
from ledger.journal import AccountSum, HeldSum, sums_of
from orders.values import decimal
from rendering import instant, plain, words
from workflows import calls

_ACCOUNTS = {
    "cash": "cash at the provider",
    "held": "held for orders",
    "refunds": "on its way back to buyers",
    "seller": "owed to sellers",
    "stray": "stray money",
}
"""The ledger's accounts (``orders.books``), as a bookkeeper reads them."""


async def reconcile(out: Console, days: int) -> int:
    """Compare provider, ledger and workflows now; 1 when anything differs, repaired or not."""
    if not 1 <= days <= 3650:
        raise Failure("--days must be between 1 and 3650.")
    async with connection() as client:
        try:
            report = await calls.reconcile(client, days)
        except WorkflowFailureError as error:
            raise Failure(
                f"The comparison could not be made: {first_line(error.cause.__cause__)}", status=1
            ) from None
    if report.findings:
        out.print(_findings(report))
    differences = len(report.findings) + report.more
    out.print(
        f"Compared {report.payments} payments, {report.refunds} refunds, {report.chargebacks} chargebacks "
        f"and {report.orders} orders of the last {days} days: "
        f"{differences or 'no'} difference{'' if differences == 1 else 's'}."
    )
    if any(it.repaired for it in report.findings):
        out.print("What was missing has been brought again: run it once more to see it gone.")
    return 1 if differences else 0


async def books(out: Console) -> int:
    """Print the trial balance and what is held per status; 1 when a currency does not sum to zero."""
    async with open_journal() as journal:
        balance, held = await journal.trial_balance(), await journal.held_by_status()
    if not balance:
        out.print("The ledger is empty.")
        return 0
    sums = sums_of(balance)
    out.print(_trial_balance(balance, sums))
    if held:
        out.print(_held(held))
    if not any(sums.values()):
        return 0
    out.print("WRONG: the ledger does not sum to zero.")
    return 1


def _findings(report: Report) -> Table:
    table = Table("about", "what", "expected", "found", "since", "", box=None)
    for it in report.findings:
        table.add_row(
            plain(it.about),
            words(it.what),
            plain(it.expected),
            plain(it.found),
            instant(it.since),
            "brought again" if it.repaired else "",
        )
    if report.more:
        table.add_row("...", f"and {report.more} more")
    return table


def _trial_balance(balance: list[AccountSum], sums: dict[str, int]) -> Table:
    table = Table("currency", "account", box=None, title="Trial balance", title_justify="left")
    table.add_column("debit", justify="right")
    table.add_column("credit", justify="right")
    for currency, total in sums.items():
        for it in (entry for entry in balance if entry.currency == currency):
            written = decimal(abs(it.amount), currency)
            sides = (written, "") if it.amount >= 0 else ("", written)
            table.add_row(currency, _ACCOUNTS[it.account], *sides)
        table.add_row(currency, "sum", decimal(total, currency), style="bold")
    return table


def _held(held: list[HeldSum]) -> Table:
    table = Table("currency", "status", box=None, title="Held for orders", title_justify="left")
    table.add_column("amount", justify="right")
    for it in held:
        table.add_row(it.currency, words(it.status), decimal(it.amount, it.currency))
    return table
