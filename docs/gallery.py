"""``make mails``: every mail as it looks (R21), on one page for a browser."""

from html import escape

from adapters.notifications.addresses import sender_of
from adapters.notifications.email import MailComposer
from adapters.notifications.subjects import locale_of
from docs.generate import ROOT
from docs.samples import samples

PAGE = ROOT / "var" / "mails.html"

_HEAD = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Mails</title>
<style>
body { font-family: system-ui, sans-serif; max-width: 720px; margin: auto }
iframe { width: 100%; height: 420px; border: 1px solid #767676 }
</style>
<h1>Mails</h1>
"""


def gallery() -> str:
    """The HTML part of every mail, each in a frame of its own that may do nothing."""
    writer = MailComposer(sender_of("Unbuy <orders@unbuy.example>"), "https://unbuy.example")
    frames = []
    for message in samples():
        page = writer.write(message, "anna", "unbuy.example").get_body(("html",))
        assert page
        about = f"{message.what}, {message.to.value}, {locale_of(message)}"
        frames.append(
            f"<h2>{about}</h2>\n"
            f'<iframe title="{about}" sandbox srcdoc="{escape(page.get_content())}"></iframe>\n'
        )
    return _HEAD + "".join(frames)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(gallery(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
