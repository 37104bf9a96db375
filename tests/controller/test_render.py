"""Findings on a terminal: the caret stands under the place, whatever the line holds."""

from avtech_controller.findings import Finding, Place, Severity
from avtech_controller.render import findings_json, render_concise, render_full

FILE = "fleet/CLI-ACME/schedules/lobby.yaml"


def finding(place: Place, **more: str) -> Finding:
    return Finding("AVT204", Severity.ERROR, "it is wrong", place, label=more.get("label", "here"))


def caret(line: str, column: int, end: int) -> tuple[str, str]:
    text = render_full([finding(Place("f", 1, column, 1, end))], {"f": line})
    shown, marks = text.split("\n")[3:5]
    return shown, marks


def test_the_full_form_is_that_of_the_reference() -> None:
    text = "\n" * 6 + "    - play: autum-promo\n"
    found = Finding(
        "AVT204",
        Severity.ERROR,
        'playlist "autum-promo" does not exist',
        Place(FILE, 7, 13, 7, 24),
        label="not a playlist of CLI-ACME",
        related=((Place("fleet/CLI-ACME/playlists/autumn-promo.yaml", 4, 9, 4, 21), "a similar name is here"),),
        help='did you mean "autumn-promo"?',
        impact="3 screens would not compile: SCR-ACME-0007, SCR-ACME-0008, SCR-ACME-0009",
    )
    assert render_full([found], {FILE: text}) == (
        """\
error[AVT204]: playlist "autum-promo" does not exist
  --> fleet/CLI-ACME/schedules/lobby.yaml:7:13
   |
 7 |     - play: autum-promo
   |             ^^^^^^^^^^^ not a playlist of CLI-ACME
  ::: fleet/CLI-ACME/playlists/autumn-promo.yaml:4:9  a similar name is here
   = help: did you mean "autumn-promo"?
   = impact: 3 screens would not compile: SCR-ACME-0007, SCR-ACME-0008, SCR-ACME-0009
"""
    )


def test_the_concise_form_is_one_line_a_finding() -> None:
    findings = [finding(Place("a.yaml", 7, 15, 7, 20)), finding(Place("b.yaml"))]
    assert render_concise(findings) == "a.yaml:7:15: error[AVT204] it is wrong\nb.yaml: error[AVT204] it is wrong\n"


def test_the_concise_form_keeps_the_words_that_are_allowed() -> None:
    told = Finding("AVT125", Severity.ERROR, 'cut is "x"', Place("a.yaml", 7, 15, 7, 20), label="allowed: now, clip")
    assert render_concise([told]) == 'a.yaml:7:15: error[AVT125] cut is "x" (allowed: now, clip)\n'


def test_json_tells_second_places() -> None:
    second = Place("b.yaml", 4, 9, 4, 14)
    told = Finding("AVT204", Severity.ERROR, "wrong", Place("a.yaml", 7, 15, 7, 20), related=((second, "a similar name"),))
    (json,) = findings_json([told])["findings"]
    assert json["related"] == [
        {"file": "b.yaml", "line": 4, "column": 9, "end_line": 4, "end_column": 14, "message": "a similar name"}
    ]


def test_json_has_exactly_the_fields_that_are_promised() -> None:
    found = findings_json([finding(Place("a.yaml", 7, 15, 7, 20))])
    assert found["format_version"] == 1
    assert found["findings"] == [
        {
            "code": "AVT204",
            "severity": "error",
            "message": "it is wrong",
            "file": "a.yaml",
            "line": 7,
            "column": 15,
            "end_line": 7,
            "end_column": 20,
            "help": "",
            "impact": "",
            "label": "here",
            "related": [],
            "fix": None,
        }
    ]


def test_a_finding_about_a_whole_file_needs_no_source_line() -> None:
    text = render_full([finding(Place("a.yaml"), label="")], {})
    assert text == "error[AVT204]: it is wrong\n --> a.yaml\n"


def test_the_caret_stands_under_wide_and_combining_letters() -> None:
    shown, marks = caret("a: 漢字 x", 7, 8)
    assert marks.index("^") == len(" 1 | ") + len("a: ") + 4 + 1
    assert shown == " 1 | a: 漢字 x"
    _, marks = caret("e\u0301: x", 5, 6)
    assert marks.index("^") == len(" 1 | ") + 3


def test_a_long_line_is_cut_around_its_place() -> None:
    shown, marks = caret("a" * 5000 + "BAD" + "b" * 5000, 5001, 5004)
    assert len(shown) < 140
    start = marks.index("^")
    assert shown[start : start + 3] == "BAD"
    assert marks.count("^") == 3
    shown, marks = caret("BAD" + "b" * 5000, 1, 4)
    assert shown[marks.index("^") :].startswith("BAD")
    shown, marks = caret("b" * 5000 + "BAD", 5001, 5004)
    assert shown[marks.index("^") :].startswith("BAD")


def test_a_place_beyond_the_text_is_survived() -> None:
    assert caret("ab", 50, 60)[1].endswith("^ here")
    assert "-->" in render_full([finding(Place("f", 99, 1, 99, 2))], {"f": "ab"})


def test_a_range_over_several_lines_is_marked_to_the_end_of_its_first() -> None:
    text = render_full([finding(Place("f", 1, 4, 3, 1))], {"f": "a: one\n b\n"})
    assert text.split("\n")[4] == "   |    ^^^ here"


def test_text_from_files_cannot_touch_the_terminal() -> None:
    evil = "\x1b[31m\x07\r\u202e\ufeff\u009b"
    found = Finding("AVT120", Severity.ERROR, evil, Place(f"f{evil}", 1, 1, 1, 2), evil, ((Place("g"), evil),), evil, evil)
    for text in (render_full([found], {f"f{evil}": evil + "\t'x"}), render_concise([found])):
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        assert "\N{REPLACEMENT CHARACTER}" in text


def test_colour_is_only_given_when_asked_for() -> None:
    found = [finding(Place("f", 1, 1, 1, 2))]
    assert "\x1b[" in render_full(found, {"f": "a"}, colour=True)
    assert "\x1b[" not in render_full(found, {"f": "a"})
