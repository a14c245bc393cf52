"""The generated documentation: states, messages, settings, mails, and the table of rules and tests.

``make docs-tables`` writes them; a test fails when they are stale.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs import settings_page
from docs.samples import samples
from orders.lifecycle import DEADLINES, TRANSITIONS, VERDICTS
from orders.messages import MESSAGES, Message
from orders.status import Status

ROOT = Path(__file__).parent.parent
_RULE = re.compile(r"\bR\d{1,2}[a-z]?\b")
# A span such as "R1-R6" is a title, not a test of each of them.
_SPAN = re.compile(r"\bR(\d{1,2})-R?(\d{1,2})\b")
_TITLE = re.compile(r"^### (R\d{1,2}[a-z]?) · (.+)$", re.MULTILINE)
_PLANNED = re.compile(_TITLE.pattern.replace("(.+)", ".+") + r"\n+\*\(planned\)", re.MULTILINE)
_RULES = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
REQUIREMENTS: dict[str, str] = dict(_TITLE.findall(_RULES))
"""Each rule's title, as docs/requirements.md has it."""
PLANNED: frozenset[str] = frozenset(_PLANNED.findall(_RULES))
"""Rules that are still to come, and so have no test yet."""


def diagram() -> str:
    """The transition table as a Mermaid state diagram; what changes no status is left to the table."""
    lines = ["stateDiagram-v2", f"    [*] --> {Status.AWAITING_PAYMENT.value}"]
    for status, row in TRANSITIONS.items():
        arrows: dict[Status, list[str]] = {}
        for trigger, targets in row.items():
            for target in targets:
                if target is not status:
                    arrows.setdefault(target, []).append(_label(trigger))
        lines += [
            f"    {status.value} --> {target.value}: {', '.join(labels)}"
            for target, labels in arrows.items()
        ]
    lines += [f"    {status.value} --> [*]" for status in Status if status in Status.ended()]
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def _label(trigger: str) -> str:
    if trigger in DEADLINES:
        return f"⏱ {trigger}"
    return f"✓ {trigger}" if trigger in VERDICTS else trigger


def states() -> str:
    """docs/states.md."""
    rows = "\n".join(
        f"| `{status.value}` | {_names(row, of='messages')} | {_names(row, of='deadlines')} |"
        for status, row in TRANSITIONS.items()
    )
    return (
        "# States of an order\n\n"
        "Generated from `orders/lifecycle.py` by `make docs-tables`. ⏱ is a deadline that passes, "
        "✓ the verdict on a tracking number; everything else is a message.\n\n"
        f"{diagram()}\n\n"
        "| status | messages it takes | what happens automatically |\n|---|---|---|\n"
        f"{rows}\n"
    )


def _names(row: dict[str, tuple[Status, ...]], of: str) -> str:
    own = [
        trigger
        for trigger in row
        if (trigger in DEADLINES) == (of == "deadlines") and trigger not in VERDICTS
    ]
    return ", ".join(f"`{trigger}`" for trigger in own) or "none"


def rules_in(docstring: str) -> list[str]:
    """The rules that a docstring names, in its order."""
    return list(dict.fromkeys(_RULE.findall(_SPAN.sub("", docstring))))


def named_rules() -> Iterator[tuple[str, str]]:
    """Each rule that a test's docstring names, with the test: ``("R12", "tests/…::test_…")``."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
                "test_"
            ):
                text = ast.get_docstring(node) or ""
                for rule in rules_in(text):
                    yield rule, f"{path.relative_to(ROOT).as_posix()}::{node.name}"


def rules() -> str:
    """docs/rules.md: which tests hold which rule."""
    tests: dict[str, list[str]] = {rule: [] for rule in REQUIREMENTS}
    for rule, test in named_rules():
        tests.setdefault(rule, []).append(test)
    rows = "\n".join(
        f"| [{rule}](requirements.md#{rule.lower()}) | {REQUIREMENTS.get(rule, '')} "
        f"| {len(found)} | {_shown(found)} |"
        for rule, found in tests.items()
    )
    return (
        "# Rules and the tests that hold them\n\n"
        "Generated from the docstrings of the tests by `make docs-tables`.\n\n"
        "| rule | title | how many | tests |\n|---|---|---|---|\n" + rows + "\n"
    )


def _shown(tests: list[str]) -> str:
    files: dict[str, list[str]] = {}
    for test in tests:
        path, name = test.removeprefix("tests/").split("::")
        files.setdefault(path, []).append(name.removeprefix("test_").replace("_", " "))
    return (
        "<br>".join(f"`{path}`: {'; '.join(names)}" for path, names in files.items()) or "**none**"
    )


def messages() -> str:
    """docs/messages.md: what each message of the contract carries."""
    return (
        "# Messages\n\n"
        "Generated from `orders/messages.py` by `make docs-tables`. Each is a signal and an update of its "
        "name, with one JSON object as its argument; unknown fields are refused.\n\n"
        'Money is `{"amount": 2490, "currency": "EUR"}`: whole minor units and a code of ISO 4217. '
        "Instants are ISO 8601 with a time zone. The same `message_id` again changes nothing.\n"
        + "".join(map(_message, MESSAGES.values()))
    )


def _message(model: type[Message]) -> str:
    schema = model.model_json_schema()
    fields = sorted(schema["properties"].items(), key=lambda it: it[0] == "message_id")
    rows = "\n".join(
        f"| `{name}` | {_kind(about, schema)} | {_need(name, about, schema)} |"
        for name, about in fields
    )
    rule = " ".join((model.__doc__ or "").split()).replace("``", "`")
    return (
        f"\n## `{model.name}`\n\n"
        f"From: {' or '.join(role.value for role in model.senders)}. {rule}\n\n"
        f"| field | what | |\n|---|---|---|\n{rows}\n"
    )


def _need(name: str, about: dict[str, Any], schema: dict[str, Any]) -> str:
    if name in schema.get("required", []):
        return "required"
    default = about.get("default")
    return f"`{json.dumps(default)}` unless given" if default not in (None, "") else "optional"


def _kind(about: dict[str, Any], schema: dict[str, Any]) -> str:
    """A field's type in a few words."""
    match about:
        case {"anyOf": [kind, {"type": "null"}]}:
            return _kind(kind, schema)
        case {"$ref": str(named)} if named.endswith("/Money"):
            return "money"
        case {"$ref": str(named)}:
            return _kind(schema["$defs"][named.rpartition("/")[2]], schema)
        case {"enum": list(values)}:
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case {"format": "date-time"}:
            return "instant"
        case {"type": "string", "maxLength": int(most)}:
            return f"text of up to {most} characters"
        case {"pattern": str(pattern)}:
            return f"text that matches `{pattern}`"
        case {"type": "integer", "maximum": int(most)}:
            least = about.get("minimum", about.get("exclusiveMinimum", -1) + 1)
            return f"whole number from {least} to {most}"
        case {"type": "boolean"}:
            return "`true` or `false`"
        case _:
            raise ValueError(f"no words for {about}")


def mails() -> str:
    """docs/mails.md: every notification in words; ``docs.gallery`` shows them as they look."""
    rows = "\n".join(
        f"| {', '.join(f'`{it.what}`' for it in sample.messages)} | {sample.messages[0].to.value} "
        f"| {sample.locale} | **{sample.renderer.subject(sample.messages)}**<br>"
        f"{sample.renderer.text(sample.messages).replace(chr(10), '<br>')} |"
        for sample in samples()
    )
    return (
        "# Notifications\n\n"
        "Generated by `make docs-tables` from samples: every event in the order of an order's life, to "
        "everyone who is told of it, in each language; then what is told together, as one mail. "
        "`make mails` shows them as the mails that people get.\n\n"
        "| event | to | language | subject and text |\n|---|---|---|---|\n" + rows + "\n"
    )


def readme(text: str) -> str:
    """README.md with its diagram brought up to date."""
    start, end = "<!-- states -->\n", "<!-- /states -->"
    head, rest = text.split(start, 1)
    return head + start + diagram() + "\n" + end + rest.split(end, 1)[1]


def pages() -> dict[Path, str]:
    """Every generated page and what it should say."""
    front = ROOT / "README.md"
    return {
        ROOT / "docs" / "states.md": states(),
        ROOT / "docs" / "rules.md": rules(),
        ROOT / "docs" / "messages.md": messages(),
        ROOT / "docs" / "mails.md": mails(),
        ROOT / "docs" / "settings.md": settings_page.page(),
        front: readme(front.read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for page, wanted in pages().items():
        page.write_text(wanted, encoding="utf-8")
        print(f"wrote {page.relative_to(ROOT)}")
