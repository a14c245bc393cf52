"""What the rules say to people, in English, so that it can be said in another language.

A reason travels as its sentence (contract), in views, failures and histories. ``i18n.sentences`` finds
its template again and says it in the reader's language. So each text stands whole in a call of
``sentence``, where the catalogues' extraction finds it, and what varies in it has a name.
"""


def sentence(template: str, /, **parts: object) -> str:
    """The template with its parts, written out."""
    return template.format(**parts) if parts else template
