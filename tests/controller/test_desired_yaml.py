"""YAML as editors, tools and enemies write it: what it means, and what is refused where."""

import contextlib
import resource
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtech_controller.desired._careful import read_carefully
from avtech_controller.desired._quick import read_quickly
from avtech_controller.desired._read import read_file
from avtech_controller.desired._source import MAX_FILE_BYTES, SourceFile
from avtech_controller.desired._text import SyntaxProblem, decode, split


def meaning(text: str) -> Any:
    (segment,) = split(decode(text.encode()))
    tree = read_carefully(segment)
    return tree.value if tree else None


def read_all(data: bytes) -> None:
    for segment in split(decode(data)):
        read_carefully(segment)


def problem(data: str | bytes) -> SyntaxProblem:
    with pytest.raises(SyntaxProblem) as caught:
        read_all(data.encode() if isinstance(data, str) else data)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:30", "22:30"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("2026-12-24", "2026-12-24"),
        ("2026-12-24T18:00", "2026-12-24T18:00"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("-12", -12),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("-0x1", "-0x1"),
        ("'12'", "12"),
        ('"no"', "no"),
        ("1920x1080", "1920x1080"),
        ("=", "="),
        (".e1", ".e1"),
        ("+", "+"),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    assert meaning(f"key: {text}\n") == {"key": value}
    certain, quick = read_quickly(split(f"key: {text}\n")[0])
    assert not certain or (quick == {"key": value} and type(quick["key"]) is type(value))


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\na: 2\n", "AVT107", 2, 1),
        ("a: {b: 1, b: 2}\n", "AVT107", 1, 11),
        ("1: a\n", "AVT108", 1, 1),
        ("true: a\n", "AVT108", 1, 1),
        ("? [a]\n: b\n", "AVT108", 1, 3),
        ("<<: {a: 1}\n", "AVT109", 1, 1),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "AVT109", 3, 3),
        ("a: !!python/object:os.system x\n", "AVT109", 1, 4),
        ("a: !x\n", "AVT109", 1, 4),
        ("%YAML 1.1\n---\na: no\n", "AVT109", 1, 1),
        ("a: .inf\n", "AVT114", 1, 4),
        ("a: .nan\n", "AVT114", 1, 4),
        ("a: 9007199254740993\n", "AVT114", 1, 4),
        (f"a: {'9' * 5000}\n", "AVT114", 1, 4),
        ("a:\n\tb: 1\n", "AVT113", 2, 1),
        ("a: *x\n", "AVT101", 1, 4),
        ("a: &a [*a]\n", "AVT106", 1, 8),
        ("a: [1\n", "AVT101", 1, 4),
        ("a: 'x\n", "AVT101", 1, 4),
        ("a: x: y\n", "AVT101", 1, 5),
        ("a: @x\n", "AVT101", 1, 4),
        ("a: 1\n b: 2\n", "AVT101", 2, 3),
        ("- a\nb: 1\n", "AVT101", 2, 1),
        ("a: 1\n---\nb: [x\n", "AVT101", 3, 4),
    ],
)
def test_what_is_not_allowed_is_refused_at_its_place(text: str, code: str, line: int, column: int) -> None:
    found = problem(text)
    assert (found.code, found.where.line, found.where.column) == (code, line, column)
    certain = all(read_quickly(segment)[0] for segment in split(text))
    assert not certain or code == "AVT108"  # a key that is no text is refused by every model


def test_bytes_that_are_not_utf_8_are_refused_at_their_place() -> None:
    found = problem("a: 1\nb: café".encode("latin-1"))
    assert (found.code, found.where.line, found.where.column) == ("AVT103", 2, 7)
    assert problem("a: 1\n".encode("utf-16")).code == "AVT103"


@pytest.mark.parametrize("letter", ["\0", "\x1b", "\x7f", "\x85", "\u2028", "\ufffe"])
def test_a_character_that_text_does_not_have_is_refused(letter: str) -> None:
    found = problem(f"a: 1\nb: x{letter}y\n")
    assert (found.code, found.where.line, found.where.column) == ("AVT104", 2, 5)


def test_a_byte_order_mark_and_the_line_ends_of_windows_are_fine() -> None:
    text = decode("\ufeffa: 1\r\nb: 2\r\n".encode())
    assert text == "a: 1\nb: 2\n"


def test_documents_are_told_apart_and_keep_their_lines() -> None:
    segments = split("# first\na: 1\n---\nb: |\n  --- not a marker\n--- # third\nc: 3\n...\n")
    assert [segment.line for segment in segments] == [0, 2, 5, 7]
    assert [tree.value if (tree := read_carefully(s)) else None for s in segments] == [
        {"a": 1},
        {"b": "--- not a marker\n"},
        {"c": 3},
        None,
    ]


def test_an_anchor_is_expanded_and_its_places_are_those_of_the_anchor() -> None:
    (segment,) = split("a: &x {k: 1}\nb: *x\n")
    tree = read_carefully(segment)
    assert tree is not None
    assert tree.value == {"a": {"k": 1}, "b": {"k": 1}}
    assert tree.children["b"].where.line == 2
    assert tree.children["b"].children["k"].where.line == 1


HOSTILE = {
    "an alias bomb": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)),
    "many aliases": "a: &a x\nb: [" + "*a, " * 5000 + "]\n",
    "large texts times aliases": f"a: &a {'x' * 500_000}\nb: [" + ", ".join(["*a"] * 90) + "]\n",
    "deep brackets": "a: " + "[" * 500_000,
    "deep closed brackets": "a: " + "[" * 10_000 + "]" * 10_000,
    "deep braces": "{a: " * 200_000,
    "deep dashes": "- " * 500_000 + "a\n",
    "deep question marks": "? " * 500_000,
    "deep indentation": "".join(" " * n + "a:\n" for n in range(1400)),
    "a wide list": "a:\n" + "- b\n" * 250_000,
    "a wide flow list": "a: [" + "b," * 500_000 + "]",
    "many keys": "".join(f"k{n}: 1\n" for n in range(80_000)),
    "many documents": "---\n" * 250_000,
    "many faulty documents": "---\n[\n" * 9_000,
    "one long line": "a: " + "x" * 1_000_000,
    "an open quotation": "a: '" + "x\n" * 500_000,
    "tags": "a: " + "!" * 1_000_000,
    "a huge number": "a: " + "9" * 1_000_000,
    "tabs": "\t" * 1_000_000,
    "line ends": "\n" * 1_000_000,
    "carriage returns": "\r" * 1_000_000,
    "dashes": "-" * 1_000_000,
    "underscores": "a: " + "1_" * 500_000 + "z",
    "spaces": " " * 1_000_000 + "a",
    "names": 'name: "' * 140_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_within_a_second_and_little_memory(name: str) -> None:
    data = HOSTILE[name].encode()
    assert len(data) <= MAX_FILE_BYTES
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    content = read_file(SourceFile("fleet/x.yaml", data))
    took = time.process_time() - started
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert not content.resources
    assert content.findings or content.problems
    assert took < 1.5, f"{took:.2f} s"
    assert grown < 200_000, f"{grown} kB"


KEYS = st.text("abcxyz", min_size=1, max_size=4)
PLAIN = st.one_of(
    st.sampled_from(
        ["22:30", "no", "on", "2026-12-24", "~", "null", "true", "0x1f", "1_0", "0o7", "1.5", ".5", "-", "a b", "a#b", "x: y"]
    ),
    st.integers(-(10**17), 10**17).map(str),
    st.text("ab01.:-_+eE#'\"&*![]{},%@|>? \t\\é", max_size=12),
)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    """YAML or nearly so: block mappings and lists, quoted, plain and broken scalars."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        key = draw(KEYS)
        match draw(st.integers(0, 4 if depth else 2)):
            case 0:
                lines.append(f"{key}: {draw(PLAIN)}")
            case 1:
                lines.append(f'{key}: "{draw(st.text("abc é:#", max_size=8))}"')
            case 2:
                lines.append(f"{key}: [{', '.join(draw(st.lists(PLAIN, max_size=3)))}]")
            case 3:
                lines += [f"{key}:", *(f"  {line}" for line in draw(documents(depth - 1)).split("\n"))]
            case _:
                first, *rest = draw(documents(depth - 1)).split("\n")
                lines += [f"{key}:", f"- {first}", *(f"  {line}" for line in rest)]
    return "\n".join(lines)


@settings(max_examples=200, deadline=None)
@given(documents())
def test_no_text_has_two_meanings(text: str) -> None:
    """Spellings that libyaml does not know, such as `[:]`, are refused by the careful reader, never read differently."""
    for segment in split(text):
        certain, quick = read_quickly(segment)
        with contextlib.suppress(SyntaxProblem):
            tree = read_carefully(segment)
            assert not certain or (tree is not None and repr(tree.value) == repr(quick))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=80), documents().map(str.encode), st.text("a:- \n\t[]{}&*!|>'\"#%?0._~", max_size=60).map(str.encode)
    )
)
def test_nothing_that_a_file_holds_can_raise(data: bytes) -> None:
    content = read_file(SourceFile("fleet/x.yaml", data))
    assert content.findings or content.problems
