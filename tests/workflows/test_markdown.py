"""What strangers write stays text in Temporal's web UI, which reads Markdown."""

import re

import pytest
from markdown_it import MarkdownIt

from orders.handlers import record_refusal
from orders.messages import RefundStatus
from orders.place_order import Line, Party
from orders.shipments import TrackingStatus
from tests.orders.builders import Story, eur, place, refund_of
from workflows import summary
from workflows.markdown import as_code

HOSTILE = [
    "a\n\n# URGENT: refund needs approval\n\n[Approve here](https://evil.example)",
    "a\r\n\r\n![](https://evil.example/seen.png)",
    "a\n\nevil\n====\n",
    "a\u2028\u2028<https://evil.example>\u2029",
    "`[evil](https://evil.example)",
    "``` \n[evil](https://evil.example)",
    "\\` <img src=https://evil.example>",
    "\u202e[evil](https://evil.example)\u200b`\u2066",
    "a\n\n| evil | b |\n|---|---|\n| https://evil.example | www.evil.example |",
    "a\n\n    evil\n\n- evil\n\n> evil\n\n---\n\n[a]: https://evil.example",
    "https://evil.example www.evil.example evil@evil.example",
    "a" * 150 + "\n\n[evil](https://evil.example)",
    "&#10;&#10;# evil\t\t[evil](https://evil.example)",
    "",
    "\n\n",
]


def _must_be_harmless(markdown: str) -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(markdown)
    outside = re.sub(r"<code>[^<]*</code>", "", rendered)
    assert set(re.findall(r"</?([a-z0-9]+)", outside)) <= {"p", "strong", "ul", "li"}
    assert "evil" not in outside
    assert all(char.isprintable() or char == "\n" for char in rendered)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_stranger_writes_no_markdown(text: str) -> None:
    """Case 79: every text of theirs that the web UI shows of an order, in each of its states."""
    story = Story(
        place(
            order_id="www.evil.example",
            buyer=Party(id="evil@evil.example", name=text, locale="pl"),
            seller=Party(id="www.evil.example", name=text, locale="en"),
            lines=(Line(sku=text, title=text, quantity=2, unit_price=eur(1245)),) * 2,
        )
    ).until_cancellation_requested(note=text, complaint=True)
    record_refusal(story.order, text, text, story.now)
    story.reply("already_shipped", note=text)
    evidence = story.send_tracking_number()
    evidence.number, evidence.other_order_id = text, "www.evil.example"
    evidence.status = TrackingStatus.UNDER_REVIEW
    assert story.order.existing_shipment.under_review
    _must_be_harmless(summary.current(story.order))

    ended = Story(place(order_id="www.evil.example")).until_accepted()
    refund = refund_of(ended.order)
    refund.status, refund.failure_reason = RefundStatus.FAILED, text
    _must_be_harmless(summary.current(ended.order))
    _must_be_harmless(summary.summary(ended.order.placed))


@pytest.mark.parametrize("text", [*HOSTILE, "a\x85\x85# evil", "a\0\x1b[2J\x0b\x0c# evil"])
def test_text_in_code_is_one_short_line(text: str) -> None:
    """Case 79: in lists, timers and activities as well."""
    shown = as_code(text * 30)

    _must_be_harmless(f"Payment {shown}: 24.90 EUR goes back")
    assert "\n" not in shown
    assert len(shown) <= 203
