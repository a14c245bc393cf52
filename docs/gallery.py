"""``make mails``: every mail as it looks (R21), on one page for a browser."""

from html import escape

from adapters.notifications.addresses import sender_of
from adapters.notifications.email import MailComposer
from docs.generate import ROOT
from docs.samples import Sample, samples
from orders.messages import Role

PAGE = ROOT / "var" / "mails.html"

_HEAD = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Mails</title>
<style>
body { font-family: system-ui, sans-serif; max-width: 1100px; margin: auto; padding: 0 16px }
table { border-collapse: collapse; margin-bottom: 48px }
th, td { padding: 4px 16px 4px 0; text-align: left; vertical-align: top; overflow-wrap: anywhere }
.mail { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); gap: 16px }
h2, .mail p { overflow-wrap: anywhere }
.mail p { margin: 0 0 4px }
iframe { width: 100%; height: 640px; border: 1px solid #767676 }
</style>
"""


def gallery() -> str:
    """An index, and the HTML part of every mail in a frame of its own that may do nothing."""
    mails: dict[tuple[str, Role], list[Sample]] = {}
    for sample in samples():
        told = " + ".join(it.what for it in sample.messages)
        mails.setdefault((told, sample.messages[0].to), []).append(sample)
    index = "".join(
        f"<tr><th>{what}</th><td>{_links(what, [to for it, to in mails if it == what])}</td></tr>\n"
        for what in dict.fromkeys(what for what, _ in mails)
    )
    sections = "".join(_section(what, to, both) for (what, to), both in mails.items())
    return f"{_HEAD}<h1>Mails</h1>\n<table>\n{index}</table>\n{sections}</html>\n"


def _links(what: str, roles: list[Role]) -> str:
    return ", ".join(f'<a href="#{_anchor(what, to)}">{to.value}</a>' for to in roles)


def _anchor(what: str, to: Role) -> str:
    return f"{what.replace(' + ', '.')}.{to.value}"


def _section(what: str, to: Role, in_each_language: list[Sample]) -> str:
    frames = "".join(_preview(sample) for sample in in_each_language)
    return (
        f'<h2 id="{_anchor(what, to)}">{what}, to {to.value}</h2>\n'
        f'<p><a href="#">Index</a></p>\n<div class="mail">\n{frames}</div>\n'
    )


def _preview(sample: Sample) -> str:
    sender = sender_of("Unbuy <orders@unbuy.example>")
    support = sender_of("help@unbuy.example")
    writer = MailComposer(sender, sample.renderer, "https://unbuy.example", support)
    mail = writer.write(sample.messages, "anna", "unbuy.example")
    page = mail.get_body(("html",))
    assert page
    return (
        f'<div><p lang="{sample.locale}"><strong>{escape(mail["Subject"])}</strong></p>\n'
        f'<iframe title="{sample.name}" lang="{sample.locale}" loading="lazy" sandbox '
        f'srcdoc="{escape(page.get_content())}"></iframe></div>\n'
    )


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(gallery(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
