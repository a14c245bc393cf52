"""The rules' sentences (``orders.sentences``) in another language."""

from datetime import UTC, tzinfo

from i18n.catalogues import LOCALES, translator
from orders.sentences import Argument, OneOf, Sentence, Series, fill


def localize(text: str, locale: str, zone: tzinfo | None = None) -> str:
    """A sentence of ours in this language, with its money and alternatives as that language writes them.

    With a time zone its instants are by that clock, and English is written out for people as well. Any other
    text as it is: it is somebody's own words.
    """
    if not isinstance(text, Sentence) or (locale == LOCALES[0] and zone is None):
        return text
    catalogue = translator(locale)
    template = (
        catalogue.gettext(text.template)
        if text.plural is None
        else catalogue.ngettext(text.template, text.plural, text.number)
    )
    return fill(
        template, {name: _written(name, it, locale, zone) for name, it in text.arguments.items()}
    )


def _written(name: str, argument: Argument, locale: str, zone: tzinfo | None) -> str:
    if isinstance(argument, str) and name != "country":
        return localize(argument, locale, zone)
    # They take long to import, and most texts have no such argument.
    from i18n.formats import country_text, instant_text, list_text, money_text
    from orders.values import Balance, Money, WrittenInstant

    match argument:
        case str():
            return country_text(argument, locale)
        case OneOf():
            return list_text([localize(it, locale, zone) for it in argument], locale)
        case Series():
            return str(Series(localize(it, locale, zone) for it in argument))
        case WrittenInstant():
            return instant_text(argument.at, locale, zone or UTC)
        case Money() | Balance():
            return money_text(argument, locale)
        case _:
            return str(argument)
