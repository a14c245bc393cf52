from docs.generate import pages


def test_the_generated_documentation_is_up_to_date() -> None:
    stale = [
        page.name
        for page, wanted in pages().items()
        if not page.exists() or page.read_text(encoding="utf-8") != wanted
    ]

    assert stale == [], "run `make docs-tables`"
