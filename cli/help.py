"""How the command line explains itself, in the current language: help, and what was asked for wrongly.

cyclopts makes help of the commands' docstrings and has English words of its own around it. Babel takes those
docstrings by ``extract``; here they are translated, and cyclopts' errors are put in sentences of ours.
"""

import ast
import difflib
import importlib.util
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final, get_args

from cyclopts import (
    Argument,
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)
from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel
from cyclopts.help.help import docstring_parse
from cyclopts.help.specs import get_default_command_columns, get_default_parameter_columns
from rich.console import Console, ConsoleOptions
from rich.text import Text

from cli.commands import COMMANDS
from i18n.catalogues import N_, NC_, translator
from i18n.current import current_locale, gettext

FORMAT: Final = "plaintext"
"""How cyclopts is to hand on a docstring: as it is, which is how the catalogues have it."""

_OF_CYCLOPTS: Final = (
    N_("Arguments"),
    N_("Commands"),
    N_("Parameters"),
    N_("Display application version."),
    N_("Display this message and exit."),
)
_PLACEHOLDERS: Final = (
    NC_("placeholder", "ARGS"),
    NC_("placeholder", "CHOICE"),
    NC_("placeholder", "COMMAND"),
    NC_("placeholder", "DAYS"),
    NC_("placeholder", "DURATION"),
    NC_("placeholder", "FILE"),
    NC_("placeholder", "NAME"),
    NC_("placeholder", "NUMBER"),
    NC_("placeholder", "OPTIONS"),
    NC_("placeholder", "ORDER_ID"),
    NC_("placeholder", "ROLE"),
    NC_("placeholder", "SHELL"),
    NC_("placeholder", "SUB"),
)
_PLACEHOLDER: Final = re.compile(rf"\b({'|'.join(_PLACEHOLDERS)})\b")

_ROOT: Final = Path(__file__).parents[1]


class TranslatedHelp:
    """Help as cyclopts lays it out, in the current language."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print a panel: commands, arguments or options."""
        entries = [_with_placeholders(entry) for entry in panel.entries]
        columns = (
            get_default_command_columns
            if panel.format == "command"
            else get_default_parameter_columns
        )
        *names, description = columns(console, options, entries)
        laid_out = DefaultFormatter(column_specs=(*names, description.copy(renderer=_description)))
        laid_out(console, options, panel.copy(title=_translated(str(panel.title)), entries=entries))

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Text) -> None:
        """Print how the command is written."""
        console.print(
            Text(gettext("Usage: {usage}", usage=_placeholders(usage.plain)), style="bold")
        )

    def render_description(
        self, console: Console, options: ConsoleOptions, description: Any
    ) -> None:
        """Print what the command does."""
        translated = [
            _translated(text) for text in paragraphs(description.primary_renderable.plain)
        ]
        console.print(Text("\n\n".join(translated)), end="\n\n")


def extract(
    source: IO[bytes],
    keywords: Any,
    comment_tags: Collection[str],
    options: Any,
) -> Iterator[tuple[Any, ...]]:
    """For Babel: the texts of a file with commands, with what their docstrings say."""
    from babel.messages.extract import extract_python

    yield from extract_python(source, keywords, comment_tags, options)
    source.seek(0)
    module = ".".join(Path(source.name).resolve().relative_to(_ROOT).with_suffix("").parts)
    for node in ast.parse(source.read()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
            f"{module}:{node.name}" in COMMANDS.values()
            or any(ast.unparse(it) == "app.meta.default" for it in node.decorator_list)
        ):
            for text in _texts(ast.get_docstring(node)):
                yield node.lineno, None, text, []


def description(path: str) -> str:
    """What a command of ``COMMANDS`` does, from its docstring, without importing what it needs."""
    module, _, name = path.partition(":")
    found = importlib.util.find_spec(module)
    assert found is not None, path
    assert found.origin is not None, path
    source = Path(found.origin).read_text(encoding="utf-8")
    # Parsing all of it would take longer than all else that help does.
    function = re.search(
        rf"^(async )?def {name}\(.*?(?=^[^\s)]|\Z)", source, re.MULTILINE | re.DOTALL
    )
    if function is None:
        raise LookupError(path)
    [node] = ast.parse(function[0]).body
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef), path
    return docstring_parse(ast.get_docstring(node), FORMAT).description or ""


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, each in one line."""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def lifetime_text(lifetime: timedelta) -> str:
    """A default duration, for help."""
    from i18n.formats import duration_text

    return duration_text(lifetime, current_locale())


def usage_error(error: CycloptsError, program: str) -> str:
    """A usage error as a sentence, with where to look it up."""
    command = " ".join([program, *(error.command_chain or ())])
    return gettext("{error} For help: {command} --help", error=_wrong(error), command=command)


def _wrong(error: CycloptsError) -> str:
    match error:
        case UnknownCommandError(unused_tokens=[name, *_], app=app) if app:
            known = [it for it in app if not it.startswith("-")]
            return gettext(
                'Unknown command "{name}".{nearest} Available commands: {commands}.',
                name=name,
                nearest=_nearest(name, known),
                commands=", ".join(known),
            )
        case UnknownOptionError(token=token, argument_collection=arguments):
            name = token.keyword or token.value
            known = [it for argument in arguments for it in argument.names]
            return gettext(
                "Unknown option: {name}.{nearest}", name=name, nearest=_nearest(name, known)
            )
        case MissingArgumentError(argument=argument) if argument:
            if argument.index is None:
                return gettext("Option {name} needs a value.", name=error.keyword or argument.name)
            return gettext("{name} is missing.", name=_name_of(argument))
        case CoercionError(argument=argument, token=token) if argument and token:
            return _wrong_value(argument, token.value)
        case RepeatArgumentError(token=token):
            return gettext("Option {name} is given more than once.", name=token.keyword)
        case UnusedCliTokensError(unused_tokens=tokens) if tokens:
            return gettext("Unexpected arguments: {arguments}.", arguments=" ".join(tokens))
        case _:
            return str(error)


def _wrong_value(argument: Argument, value: str) -> str:
    name = _name_of(argument)
    if choices := argument.get_choices():
        return gettext(
            'Invalid value "{value}" for {name}. Choose from: {choices}.{nearest}',
            value=value,
            name=name,
            choices=", ".join(choices),
            nearest=_nearest(value, choices),
        )
    if int in (argument.hint, *get_args(argument.hint)):
        return gettext(
            'Invalid value "{value}" for {name}: it takes a whole number.', value=value, name=name
        )
    if float in (argument.hint, *get_args(argument.hint)):
        return gettext(
            'Invalid value "{value}" for {name}: it takes a number.', value=value, name=name
        )
    if argument.hint is timedelta:
        return gettext(
            'Invalid value "{value}" for {name}: it takes a duration, such as 30d or 12h.',
            value=value,
            name=name,
        )
    return gettext("Option {name} takes no value.", name=name)


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1)
    return gettext(' Did you mean "{name}"?', name=found[0]) if found else ""


def _name_of(argument: Argument) -> str:
    """An option by its name, any other argument by what stands for it in help."""
    return argument.name if argument.index is None else _placeholders(argument.name.upper())


def _texts(docstring: str | None) -> Iterator[str]:
    read = docstring_parse(docstring, FORMAT)
    for text in (read.description, *(it.description for it in read.params)):
        yield from paragraphs(text or "")


def _translated(text: str) -> str:
    return translator(current_locale()).gettext(text) if text else ""


def _placeholders(text: str) -> str:
    catalogue = translator(current_locale())
    return _PLACEHOLDER.sub(lambda it: str(catalogue.pgettext("placeholder", it[0])), text)


def _with_placeholders(entry: HelpEntry) -> HelpEntry:
    return entry.copy(
        metavar=_placeholders(entry.metavar or ""),
        positional_label=_placeholders(entry.positional_label or ""),
    )


def _description(entry: HelpEntry) -> Text:
    translated = " ".join(
        _translated(text) for text in paragraphs(entry.description.primary_renderable.plain)
    )
    choices = ", ".join(entry.choices or ())
    about = (
        (gettext("[choices: {choices}]", choices=choices) if choices else "", "gray58"),
        (gettext("[default: {default}]", default=entry.default) if entry.default else "", "gray58"),
        (gettext("[required]") if entry.required else "", "red"),
    )
    return Text(" ").join(Text(text, style) for text, style in ((translated, ""), *about) if text)
