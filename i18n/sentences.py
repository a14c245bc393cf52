"""The rules' sentences (``orders.sentences``) in another language."""

from i18n.catalogues import LOCALES, translator
from i18n.formats import country_text, list_text, money_text
from orders.sentences import Argument, OneOf, Sentence, Series, fill
from orders.values import Balance, Money


def localize(text: str, locale: str) -> str:
    """A sentence of ours in this language, with its money and alternatives as that language writes them.

    Any other text as it is: it is somebody's own words.
    """
    if not isinstance(text, Sentence) or locale == LOCALES[0]:
        return text
    catalogue = translator(locale)
    template = (
        catalogue.gettext(text.template)
        if text.plural is None
        else catalogue.ngettext(text.template, text.plural, text.number)
    )
    return fill(template, {name: _written(name, it, locale) for name, it in text.arguments.items()})


def _written(name: str, argument: Argument, locale: str) -> str:
    match argument:
        case str() if name == "country":
            return country_text(argument, locale)
        case OneOf():
            return list_text([localize(it, locale) for it in argument], locale)
        case Series():
            return str(Series(localize(it, locale) for it in argument))
        case Money() | Balance():
            return money_text(argument, locale)
        case str():
            return localize(argument, locale)
        case _:
            return str(argument)
