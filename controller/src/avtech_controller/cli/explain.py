"""`avtech explain`: what a finding's code means, why it matters, and how wrong and right look."""

import re
from difflib import SequenceMatcher
from textwrap import indent

import click
import orjson
from click.shell_completion import CompletionItem

from avtech_controller.checks.codes import CODES, Code
from avtech_controller.checks.explanations import EXPLANATIONS
from avtech_controller.cli._options import output_option
from avtech_schema.errors import ConfigurationError

FORMAT_VERSION = 1
_LIKELY = 0.6
"""From this likeness on, another code is taken for what was meant."""


def complete_codes(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """The codes that begin with what is typed, or whose numbers do."""
    wanted = typed.upper()
    found = (one for one in CODES.values() if one.code.startswith(wanted) or (wanted and one.code[3:].startswith(wanted)))
    return [CompletionItem(one.code, help=one.title) for one in found]


@click.command()
@click.argument("code", required=False, shell_complete=complete_codes)
@output_option
def explain(*, code: str | None, output: str) -> None:
    """Explain a finding by its CODE: what it means, why it matters, how to mend it, an example of wrong and right.

    Without CODE, all codes are listed. The number alone is enough, in large or small letters.

    \b
    Examples:
      avtech explain AVT204
      avtech explain 204
      avtech explain                   all codes
      avtech explain --output json     all explanations, for tools
    """
    if code is not None:
        found = find_code(code)
        click.echo(_json([found]) if output == "json" else explanation_text(found), nl=output == "json")
    elif output == "json":
        click.echo(_json(list(CODES.values())))
    else:
        click.echo("".join(f"{one.code}  {one.severity.value:<7}  {one.title}\n" for one in CODES.values()), nl=False)


def find_code(text: str) -> Code:
    """The code that a text names.

    Raises:
        ConfigurationError: there is none; the nearest is told.
    """
    number = re.fullmatch(r"(?:AVT)?[-_ ]?([0-9]{3})", text.strip().upper())
    name = f"AVT{number[1]}" if number else text.strip().upper()
    if name in CODES:
        return CODES[name]
    near = max(sorted(CODES), key=lambda known: (known[:4] == name[:4], _likeness(name, known)))
    likely = _likeness(name, near) > _LIKELY
    hint = f"did you mean {near} ({CODES[near].title})?" if likely else "`avtech explain` lists all codes"
    raise ConfigurationError(f"there is no finding {text[:40]!r}", hint=hint)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:40], other).ratio()


def explanation_text(code: Code) -> str:
    """The explanation of a code for people."""
    told = EXPLANATIONS[code.code]
    place = _PLACES.get(told.where, f"in the {told.where.partition('.')[2] or 'spec'} of a {told.where.partition('.')[0]}")
    return (
        f"{code.code} ({code.severity.value}): {code.title}\n\n{code.explanation}\n\n"
        f"Why:    {told.why}\nTo do:  {told.fix}\n\n"
        f"Wrong{place and f', {place}'}:\n\n{indent(told.wrong, '    ')}\n\nRight:\n\n{indent(told.right, '    ')}\n"
    )


_PLACES = {
    "scene": "",
    "file": "a whole file",
    "house.items": "in the items of the fallback playlist",
    "autumn-promo.items": "in the items of a playlist that is on air for an hour a week",
}


def _json(codes: list[Code]) -> str:
    told = [
        {
            "code": code.code,
            "severity": code.severity.value,
            "title": code.title,
            "meaning": code.explanation,
            "why": EXPLANATIONS[code.code].why,
            "fix": EXPLANATIONS[code.code].fix,
            "where": EXPLANATIONS[code.code].where,
            "wrong": EXPLANATIONS[code.code].wrong,
            "right": EXPLANATIONS[code.code].right,
        }
        for code in codes
    ]
    return orjson.dumps({"format_version": FORMAT_VERSION, "codes": told}, option=orjson.OPT_INDENT_2).decode()
