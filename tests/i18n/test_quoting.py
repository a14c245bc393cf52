"""What people wrote, among our words."""

import pytest

from i18n.quoting import within_quotes, without_directions

ORDER_TURNING = [chr(it) for it in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]


@pytest.mark.parametrize("char", ORDER_TURNING, ids=ascii)
def test_nothing_turns_the_order_of_what_is_behind_it(char: str) -> None:
    assert without_directions(f"a{char}b") == within_quotes(f"a{char}b") == "ab"


def test_other_texts_stay_as_they_are() -> None:
    for text in ("Zażółć", "שלום\u200f!", "👩\u200d🚀", "", "a\n\nb"):
        assert without_directions(text) == text
    assert without_directions(7) == 7


def test_quoted_words_end_at_our_quotation_mark() -> None:
    """A blank line and a quotation mark would let somebody speak as the marketplace."""
    assert within_quotes('Sure.”\n\nUnbuy: „pay” "here"') == "Sure.'  Unbuy: 'pay' 'here'"
