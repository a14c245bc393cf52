"""Whose order uses a tracking number, and one spelling of each number."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# Barcodes with a parcel's number in them, as carriers have them: DHL's, with and without the J of a license
# plate; GS1's, with and without their application identifier; USPS's behind a ZIP code; and FedEx's.
_BARCODES = [
    re.compile(barcode)
    for barcode in (
        r"J(JD\d{9,21})",
        r"00(\d5900773\d{10}|3404\d{14})",
        r"420\d{9}(9[2-5]\d{20})",
        r"420\d{5}(9[1-5]\d{20}(?:\d{4})?)",
        r"(?:10|96)\d{18}00(\d{12})",
        r"96\d{5}(\d{15})",
    )
]


def upgrade() -> None:
    """Bring a database of the version before to this one."""
    with op.batch_alter_table("tracking_numbers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seller_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("buyer_id", sa.String(length=64), nullable=True))
    connection = op.get_bind()
    numbers = sa.table("tracking_numbers", sa.column("number"))
    known = set(connection.execute(sa.select(numbers.c.number)).scalars())
    for barcode in sorted(known):
        within = next((it[1] for code in _BARCODES if (it := code.fullmatch(barcode))), barcode)
        # Where two orders used two spellings, both keep theirs.
        if within not in known:
            known.add(within)
            connection.execute(
                sa.update(numbers).where(numbers.c.number == barcode).values(number=within)
            )
