"""The documentation as pages to browse: `make docs`, in var/site.

Made from a copy, so that links lead to the pages of the root, too, and nothing but pages is in it.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
OUTPUT = ROOT / "var"
# As they are called there. A README would be taken for its folder's first page.
_ROOT_PAGES = {"README": "about"} | {
    name: name.lower() for name in ("CHANGELOG", "CODE_OF_CONDUCT", "CONTRIBUTING", "SECURITY")
}


def stage(target: Path) -> None:
    """Copy the pages, with those of the root beside them and links as they then lead."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(DOCS, target, ignore=shutil.ignore_patterns("*.py", "*.toml", "__pycache__"))
    for page in target.rglob("*.md"):
        up = "../" * len(page.relative_to(target).parts)
        text = page.read_text(encoding="utf-8")
        for name, staged in _ROOT_PAGES.items():
            text = text.replace(f"({up}{name}.md", f"({up[3:]}{staged}.md")
        page.write_text(text, encoding="utf-8")
    for name, staged in _ROOT_PAGES.items():
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
        for other, its_staged in _ROOT_PAGES.items():
            text = text.replace(f"({other}.md", f"({its_staged}.md")
        (target / f"{staged}.md").write_text(re.sub(r"\(docs/", "(", text), encoding="utf-8")


if __name__ == "__main__":
    stage(OUTPUT / "docs")
    shutil.copy(DOCS / "zensical.toml", OUTPUT)
    status = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=OUTPUT, check=False
    ).returncode
    if not status:
        print(f"The site begins at {OUTPUT / 'site' / 'index.html'}")
    sys.exit(status)
