"""Where and why a text is not YAML, in words for people who do not write parsers.

A parser stops where it can go on no more; the slip is often on the line before. So the lines are looked at, too.
"""

import re

import yaml

from avtech_controller.desired._text import Range, Segment, SyntaxProblem

_CONFLICT = re.compile(r"^(<{7}|>{7}|\|{7}|={7})(?= |$)", re.MULTILINE)
_ODD_SPACE = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_KEY = re.compile(r"(?P<indent> *)(?P<dashes>(?:- +)*)(?P<key>[A-Za-z][A-Za-z0-9_.-]*):(?P<rest>.*)")
_GLUED_KEY = re.compile(r" *(?:- +)*(?P<key>[A-Za-z][A-Za-z0-9]*):(?=[^ :/])")
_GLUED_DASH = re.compile(r" *(?P<dash>-)(?=[A-Za-z]+:)")


def explained(error: yaml.MarkedYAMLError, segment: Segment) -> SyntaxProblem:
    """The problem that an error of libyaml stands for."""
    text = segment.text
    if conflict := _CONFLICT.search(text):
        return _conflict(segment, text.count("\n", 0, conflict.start()), len(conflict.group()))
    reason = f"{error.context or ''} {error.problem or ''}"
    opened = error.context_mark and any(
        sign in reason for sign in ("',' or", "end of stream", "could not find expected ':'", "document separator")
    )
    mark = error.context_mark if opened else error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.split("\n")
    return _slip(lines, line, column, segment) or _plain(error, lines, line, column, segment)


def _conflict(segment: Segment, line: int, width: int) -> SyntaxProblem:
    return SyntaxProblem(
        "AVT101",
        "two versions were merged and stand here both, with Git's marks",
        _range(segment, line, 0, width),
        label="the first version begins after this",
        hint="keep what is right of the lines from <<<<<<< to >>>>>>>, and delete these marks and =======",
    )


def _slip(lines: list[str], line: int, column: int, segment: Segment) -> SyntaxProblem | None:
    """A slip of which the lines themselves tell: a tab, a space that is none, or one that is missing."""
    here = _line(lines, line)
    indentation = here[: len(here) - len(here.lstrip(" \t"))]
    if "\t" in indentation and column <= len(indentation):
        where = _range(segment, line, indentation.index("\t"), 1)
        return SyntaxProblem("AVT113", "a tab is used for indentation", where, label="tab", hint="use spaces")
    for number in (line, line - 1):
        before = _line(lines, number)
        if odd := _ODD_SPACE.search(before):
            where = _range(segment, number, odd.start(), 1)
            message = "a space of another kind, which looks like one but is none"
            return SyntaxProblem("AVT101", message, where, label="here", hint="delete it and type a space; it was pasted along")
        if glued := _GLUED_DASH.match(before):
            where = _range(segment, number, glued.start("dash"), 1)
            return SyntaxProblem("AVT101", "a space is missing after `-`", where, label="here", hint="write `- ` and the key")
        if glued := _GLUED_KEY.match(before):
            where = _range(segment, number, glued.start("key"), len(glued["key"]) + 1)
            hint = f"write `{glued['key']}: ` and the value"
            return SyntaxProblem("AVT101", "a space is missing after `:`", where, label="here", hint=hint)
    return None


def _plain(error: yaml.MarkedYAMLError, lines: list[str], line: int, column: int, segment: Segment) -> SyntaxProblem:
    problem = " ".join((error.problem or "not YAML").split())
    context = " ".join((error.context or "").split())
    text = _line(lines, line)
    where = _range(segment, line, column, 1)
    if "tab character" in problem:
        return SyntaxProblem("AVT113", "a tab is used for indentation", where, label="tab", hint="use spaces")
    if "mapping values are not allowed" in problem:
        return _second_colon(lines, line, column, segment)
    if text.startswith("```"):
        message, hint = "a line that is no YAML, copied from a page or a chat", "delete it"
    elif "cannot start any token" in problem:
        message, hint = f"a text cannot begin with {text[column : column + 1]!r}", "put the text in quotes"
    elif "quoted" in context and ("end of stream" in problem or "document separator" in problem):
        message, hint = "a quotation mark is opened and never closed", "close it"
    elif "',' or ']'" in problem or "',' or '}'" in problem:
        message, hint = "a bracket is opened and not closed", "close it, or put a text that begins with a bracket in quotes"
    elif "expected node content" in problem:
        message, hint = "a value is missing within brackets, or a bracket is not closed", "close it, or complete it"
    elif "could not find expected ':'" in problem:
        where = _range(segment, line, column, len(text.rstrip()) - column)
        message, hint = "a key without `:`", "write `key: value`"
    elif "did not find expected key" in problem or "did not find expected '-'" in problem:
        return _misfit(problem, lines, line, column, segment)
    else:
        message, hint = f"{context}: {problem}" if context else problem, ""
    return SyntaxProblem("AVT101", message, where, label="here", hint=hint)


def _second_colon(lines: list[str], line: int, column: int, segment: Segment) -> SyntaxProblem:
    number = _above(lines, line)
    text = _line(lines, number)
    above = _KEY.match(text)
    here = _KEY.match(_line(lines, line))
    where = _range(segment, line, column, 1)
    if here is None or here.start("rest") <= column:
        message, hint = "a second `: ` on the line", "put a text that holds `: ` in quotes"
    elif above is None and text.strip():
        indent = len(text) - len(text.lstrip())
        where = _range(segment, number, indent, len(text.strip()))
        message, hint = "a key without `:`", "write `key: value`"
    elif above and above["rest"].strip():
        message = f"this line is indented deeper than `{above['key']}` above, which has a value already"
        hint = f"indent it like `{above['key']}`, if it stands beside it"
    else:
        message, hint = "this `:` stands where no key may be", "put a text that holds `: ` in quotes"
    return SyntaxProblem("AVT101", message, where, label="here", hint=hint)


def _misfit(problem: str, lines: list[str], line: int, column: int, segment: Segment) -> SyntaxProblem:
    """A line that does not fit those above it: for want of a quotation mark or a dash, or by its indentation."""
    text = _line(lines, line)
    for quote in ('"', "'"):
        if quote in text[:column] and (opened := _opened(lines, line, quote)):
            where = _range(segment, *opened, 1)
            message = "a quotation mark is opened and not closed on its line"
            return SyntaxProblem("AVT101", message, where, label="opened here", hint="close it")
    where = _range(segment, line, column, 1)
    if "expected '-'" in problem:
        message, hint = "every element of this list begins with `- `; this line does not", "put `- ` before it, or indent it"
    elif text.lstrip().startswith("- "):
        message = "an element of a list (`- `) stands among keys that belong to none"
        hint = "put `- ` before the first of the keys above it, too"
    else:
        message, hint = "the indentation does not fit the lines above", "indent what belongs together alike"
    return SyntaxProblem("AVT101", message, where, label="here", hint=hint)


def _opened(lines: list[str], line: int, quote: str) -> tuple[int, int] | None:
    """The last line up to this that has a quotation mark too few, and its last one."""
    for number in range(line, max(-1, line - 20), -1):
        if lines[number].count(quote) % 2 and number < line:
            return number, lines[number].rindex(quote)
    return None


def _above(lines: list[str], line: int) -> int:
    """The last line above that is neither empty nor a comment; -1 if there is none."""
    for number in range(line - 1, -1, -1):
        if lines[number].strip() and not lines[number].lstrip().startswith("#"):
            return number
    return -1


def _line(lines: list[str], line: int) -> str:
    return lines[line] if 0 <= line < len(lines) else ""


def _range(segment: Segment, line: int, column: int, width: int) -> Range:
    return Range(segment.line + line + 1, column + 1, segment.line + line + 1, column + 1 + max(width, 1))
