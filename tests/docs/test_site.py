"""`make docs` makes a site of the pages: all that they link to is in it."""

import re
from pathlib import Path

from docs.site import stage


def test_every_link_of_the_site_leads_somewhere(tmp_path: Path) -> None:
    stage(tmp_path / "docs")

    pages = list((tmp_path / "docs").rglob("*.md"))
    links = [
        (page.relative_to(tmp_path), link)
        for page in pages
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    ]
    dead = [(page, link) for page, link in links if not (tmp_path / page.parent / link).exists()]
    assert len(pages) > 20
    assert not dead
