"""The careful reader: YAML 1.2 core from libyaml's events, bounded in every way, with the place of each key and value.

It reads what the quick reader does not vouch for, and every file that has a finding.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from avtech_controller.desired._syntax import explained
from avtech_controller.desired._text import Range, Segment, SyntaxProblem

MAX_DEPTH = 40
MAX_NODES = 50_000
MAX_ALIASES = 100
MAX_EXPANDED_NODES = 100_000
MAX_EXPANDED_CHARACTERS = 4_000_000
MAX_INTEGER = 2**53
_BEYOND = "the number is beyond what JSON keeps exactly (2^53)"

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}")
_OCTAL = re.compile(r"0o[0-7]{1,4000}")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,4000}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(slots=True)
class Tree:
    """A value with the places of its parts."""

    value: Any
    where: Range
    keys: dict[str, Range] = field(default_factory=dict)
    children: dict[str | int, "Tree"] = field(default_factory=dict)
    nodes: int = 1
    characters: int = 0


def read_carefully(segment: Segment, *, is_lenient: bool = False) -> Tree | None:
    """Read one document; None when it holds nothing but comments. If lenient, of a key that stands twice the first counts.

    Raises:
        SyntaxProblem: it is not YAML, uses what is not allowed here, or goes beyond a limit.
    """
    first = segment.text.lstrip(" \n")
    if first.startswith("%"):
        raise SyntaxProblem("AVT109", "directives are not used here", Range(segment.line + 1, 1), hint="delete the line")
    builder = _Builder(segment.line, is_lenient=is_lenient)
    try:
        for event in yaml.parse(segment.text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise explained(error, segment) from error
    except yaml.YAMLError as error:
        raise SyntaxProblem("AVT101", " ".join(str(error).split())[:200], Range(segment.line + 1, 1)) from error
    return builder.root


class _Builder:
    """Builds one tree from events without recursion, so that nesting costs no stack."""

    def __init__(self, line: int, *, is_lenient: bool) -> None:
        self.root: Tree | None = None
        self._is_lenient = is_lenient
        self._line = line
        self._open: list[Tree] = []
        self._key: list[tuple[str, Range] | None] = []
        self._anchors: dict[str, Tree] = {}
        self._open_anchors: set[str] = set()
        self._names: list[str | None] = []
        self._nodes = 0
        self._aliases = 0

    def take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._refuse_tag(event)
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._refuse_tag(event)
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent() if self.root is not None:
                raise SyntaxProblem("AVT101", "a new document begins without `---`", self._range(event))
            case _:
                pass

    def _range(self, event: Any) -> Range:
        start, end = event.start_mark, event.end_mark
        return Range(start.line + self._line + 1, start.column + 1, end.line + self._line + 1, end.column + 1)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            raise SyntaxProblem(
                "AVT109", "tags are not used here", self._range(event), label=event.tag[:60], hint="delete the tag (!…)"
            )

    def _scalar(self, event: Any) -> None:
        where = self._range(event)
        text: str = event.value
        plain = event.style is None or event.style == ""
        expects_key = self._expects_key()
        value = _resolve(text, where) if plain else text
        if expects_key:
            if not isinstance(value, str):
                found = "an empty key" if text == "" else f"the key {text[:40]}"
                raise SyntaxProblem("AVT108", f"{found} is not text", where, hint="put it in quotes")
            self._take_key(value, where, plain=plain)
            return
        tree = Tree(value, where, characters=len(text))
        self._remember(event.anchor, tree)
        self._place(tree)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._key[-1] is None

    def _take_key(self, name: str, where: Range, *, plain: bool) -> None:
        here = self._open[-1]
        if name == "<<" and plain:
            raise SyntaxProblem("AVT109", "merge keys (<<) are not used here", where, hint="write the keys out")
        if name in here.keys and self._is_lenient:
            name = f"{name}\n{len(here.keys)}"
        elif name in here.keys:
            first = here.keys[name]
            raise SyntaxProblem(
                "AVT107",
                f'the key "{name[:60]}" stands twice',
                where,
                label=f"first on line {first.line}",
                hint="keep one of them",
            )
        here.keys[name] = where
        self._key[-1] = (name, where)

    def _begin(self, event: Any) -> None:
        where = self._range(event)
        if self._expects_key():
            raise SyntaxProblem("AVT108", "a list or mapping cannot be a key", where, hint="keys are text")
        if len(self._open) >= MAX_DEPTH:
            raise SyntaxProblem("AVT106", f"nested deeper than {MAX_DEPTH} levels", where)
        tree = Tree({} if isinstance(event, yaml.MappingStartEvent) else [], where)
        self._open.append(tree)
        self._key.append(None)
        self._names.append(event.anchor)
        if event.anchor:
            self._open_anchors.add(event.anchor)

    def _end(self, event: Any) -> None:
        tree = self._open.pop()
        self._key.pop()
        end = self._range(event)
        tree.where = Range(tree.where.line, tree.where.column, end.end_line, end.end_column)
        anchor = self._names.pop()
        self._open_anchors.discard(anchor or "")
        self._remember(anchor, tree)
        self._place(tree)

    def _alias(self, event: Any) -> None:
        where = self._range(event)
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise SyntaxProblem("AVT106", f"more than {MAX_ALIASES} aliases", where)
        if self._expects_key():
            raise SyntaxProblem("AVT108", "an alias cannot be a key", where, hint="write the key out")
        if event.anchor in self._open_anchors:
            raise SyntaxProblem("AVT106", f"the alias *{event.anchor[:40]} contains itself", where)
        target = self._anchors.get(event.anchor)
        if target is None:
            raise SyntaxProblem("AVT101", f"the alias *{event.anchor[:40]} names no anchor above it", where)
        self._place(Tree(target.value, where, target.keys, target.children, target.nodes, target.characters))

    def _remember(self, anchor: str | None, tree: Tree) -> None:
        if anchor:
            self._anchors[anchor] = tree

    def _place(self, tree: Tree) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise SyntaxProblem("AVT106", f"more than {MAX_NODES} values", tree.where, hint="spread them over several files")
        if not self._open:
            self.root = tree
            return
        here = self._open[-1]
        here.nodes += tree.nodes
        here.characters += tree.characters
        if here.nodes > MAX_EXPANDED_NODES or here.characters > MAX_EXPANDED_CHARACTERS:
            raise SyntaxProblem("AVT106", "aliases expand to more than may be read", tree.where, hint="write fewer aliases")
        if isinstance(here.value, list):
            here.children[len(here.value)] = tree
            here.value.append(tree.value)
        elif key := self._key[-1]:
            here.children[key[0]] = tree
            here.value[key[0]] = tree.value
            self._key[-1] = None


def _resolve(text: str, where: Range) -> str | int | float | bool | None:
    """A plain scalar's meaning in the core schema of YAML 1.2: `22:30`, `no` and `2026-12-24` are text."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "+-.0123456789":
        return text
    for pattern, base, skip in ((_INTEGER, 10, 0), (_OCTAL, 8, 2), (_HEXADECIMAL, 16, 2)):
        if pattern.fullmatch(text):
            return _integer(int(text[skip:], base), where)
    if _NOT_FINITE.fullmatch(text):
        raise SyntaxProblem("AVT114", f"{text} is not a finite number", where)
    if not _FLOAT.fullmatch(text):
        return text
    if not math.isfinite(value := float(text)):
        raise SyntaxProblem("AVT114", _BEYOND, where)
    return value


def _integer(value: int, where: Range) -> int:
    if abs(value) > MAX_INTEGER:
        raise SyntaxProblem("AVT114", _BEYOND, where)
    return value


def walk(tree: Tree, path: tuple[str | int, ...]) -> Iterator[Tree]:
    """The trees along a path, as far as they go, beginning with the whole."""
    yield tree
    for step in path:
        child = tree.children.get(step)
        if child is None:
            return
        tree = child
        yield tree
