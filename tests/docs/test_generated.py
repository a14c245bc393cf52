from docs.gallery import gallery
from docs.generate import pages
from docs.samples import samples


def test_the_generated_documentation_is_up_to_date() -> None:
    stale = [
        page.name
        for page, wanted in pages().items()
        if not page.exists() or page.read_text(encoding="utf-8") != wanted
    ]

    assert stale == [], "run `make docs-tables`"


def test_the_gallery_shows_every_mail() -> None:
    """R21: each event, to each who is told of it, in each language."""
    page = gallery()

    assert page.count("<iframe ") == len(list(samples()))
    assert "Zobacz zamówienie" in page
    assert "<script" not in page
