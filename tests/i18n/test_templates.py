"""Pages take the same catalogues: texts of Jinja templates are found, and said."""

from pathlib import Path

from babel.messages.extract import extract_from_dir
from jinja2 import Environment

from i18n.catalogues import translator
from i18n.extraction import KEYWORDS, METHODS, OPTIONS
from i18n.formats import money_text
from i18n.labels import label
from orders.values import Money

PAGE = """
<h1>{{ _("Order %(order)s", order=order) }}</h1>
{% trans count=days %}{{ count }} day left{% pluralize %}{{ count }} days left{% endtrans %}
<button>{{ pgettext("action", "Pay now") }}</button>
"""


def test_the_texts_of_a_template_are_found(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "order.jinja").write_text(PAGE, encoding="utf-8")

    found = {
        (text, context)
        for _, _, text, _, context in extract_from_dir(tmp_path, METHODS, OPTIONS, KEYWORDS)
    }

    assert found == {
        ("Order %(order)s", None),
        (("%(count)s day left", "%(count)s days left"), None),
        ("Pay now", "action"),
    }


def test_a_template_speaks_a_language_by_its_catalogue() -> None:
    pages = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    pages.install_gettext_translations(translator("pl"), newstyle=True)  # type: ignore[attr-defined]
    page = pages.from_string(
        '{{ pgettext("action", "Pay now") }}: {{ money }} ({{ _("nothing") }})'
        '{{ label("status", status, "pl") }}'
    )
    money = Money.model_validate({"amount": 123450, "currency": "PLN"})

    text = page.render(money=money_text(money, "pl"), label=label, status="shipped")

    assert text.replace("\N{NO-BREAK SPACE}", " ") == "Zapłać teraz: 1 234,50 zł (nic)Wysłane"
