"""`avtech validate` as people and CI run it: exit codes, streams and forms of output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from tests.controller.desired_files import MINIMAL, document, write

SCREEN = "fleet/CLI-A/screens/one.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path, MINIMAL)


def test_a_state_without_faults_ends_with_0_and_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["validate", str(root)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "no findings in 5 files; 1 screen\n"


def test_errors_end_with_1_and_all_are_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {SCREEN: MINIMAL[SCREEN].replace("CLI-A", "CLI-X"), "fleet/x.yaml": "kind: Screne\n"})
    assert run(cli, ["validate", str(root)]) == 1
    out, err = capsys.readouterr()
    assert 'error[AVT201]: client "CLI-X" does not exist\n  --> fleet/CLI-A/screens/one.yaml:7:11\n' in out
    assert "error[AVT120]" in out
    assert err == "2 errors, 0 warnings in 6 files; 1 screen\n"


def test_warnings_alone_end_with_0(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"fleet/g.yaml": document("Group", "g", "client: CLI-A\nmatchLabels: {a: b}")})
    assert run(cli, ["validate", "-C", str(root), "--output", "concise"]) == 0
    out, err = capsys.readouterr()
    assert out == 'fleet/g.yaml:8:17: warning[AVT214] group "g" selects no screen\n'
    assert "0 errors, 1 warning" in err


def test_files_that_hold_resources_and_are_not_read_are_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = MINIMAL["fleet/CLI-A/playlists/house.yaml"]
    told = {
        "fleet/CLI-A/playlists/new.yaml.txt": "rename it to new.yaml",
        "fleet/CLI-A/playlists/old.yml.bak": "rename it to old.yaml",
        "fleet/CLI-A/playlists/house.yaml~": "delete it if it is a copy: house.yaml is there already",
        "content-index/CLI-A/LOUD.YAML": "rename it to LOUD.yaml",
        "sale.yml": "move it to fleet/CLI-A/playlists/sale.yaml",
        "CLI-A/screens/x.yaml": "move it to fleet/CLI-A/playlists/x.yaml",
    }
    silent = ["docs/a.yaml", ".github/a.yaml", "other/fleet/CLI-A/a.yaml", "a/b/c/d/e.yaml", "notes.md"]
    write(root, {**dict.fromkeys([*told, *silent], house), "values.yaml": "kind: Chart\n", "fleet/readme.yaml.txt": "Hello\n"})
    assert run(cli, ["validate", str(root), "--output", "json"]) == 0
    out, err = capsys.readouterr()
    assert {one["file"]: one["help"].split(";")[0] for one in json.loads(out)["findings"]} == told
    assert {one["code"] for one in json.loads(out)["findings"]} == {"AVT116"}
    assert err == "0 errors, 6 warnings in 5 files; 1 screen\n"
    client = MINIMAL["fleet/CLI-A/client.yaml"]
    write(root, {"client.yaml": client, "fleet.yaml": MINIMAL["fleet/fleet.yaml"], "fleet/link.yaml.txt": ""})
    (root / "fleet/link.yaml.txt").unlink()
    (root / "fleet/link.yaml.txt").symlink_to(root / "sale.yml")
    assert run(cli, ["validate", str(root), "--no-cache"]) == 0
    out, err = capsys.readouterr()
    assert "copy: fleet/CLI-A/client.yaml is there already" in out
    assert "copy: fleet/fleet.yaml is there already" in out
    assert "0 errors, 8 warnings" in err


def test_json_is_whole_whether_there_are_findings_or_not(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["validate", str(root), "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"format_version": 1, "findings": []}
    write(root, {"fleet/x.yaml": "a: 1\na: 2\n"})
    assert run(cli, ["validate", str(root), "--output", "json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["code"], finding["line"], finding["column"]) == ("AVT107", 2, 1)
    assert set(finding) == {
        *[
            "code",
            "severity",
            "message",
            "file",
            "line",
            "column",
            "end_line",
            "end_column",
            "help",
            "impact",
            "label",
            "related",
            "fix",
        ]
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing"], "cannot read missing"),
        (["--commit", "HEAD"], "not in a Git repository"),
        (["--output", "xml"], "is not one of"),
        (["--nonsense"], "No such option"),
    ],
)
def test_a_wrong_command_line_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(cli, ["validate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_the_environment_names_repository_and_output(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVTECH_REPO", str(root))
    monkeypatch.setenv("AVTECH_VALIDATE_OUTPUT", "json")
    assert run(cli, ["validate"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


def test_hostile_files_are_findings_without_a_traceback(root: Path, tmp_path: Path) -> None:
    hostile: dict[str, str | bytes] = {
        "fleet/a.yaml": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "fleet/b.yaml": b"\0" * 1000,
        "fleet/c.yaml": b"a: " + b"[" * 900_000,
        "fleet/d.yaml": b"- " * 500_000,
        "fleet/e.yaml": b"x" * (50 << 20),
        "fleet/f.yaml": b"a:\n\tb: 1\n",
        "fleet/g.yaml": b"a: 1\na: 2\n",
        "fleet/h.yaml": b"\xff\xfe",
    }
    write(root, hostile)
    (root / "fleet/i.yaml").symlink_to("/etc/passwd")
    done = subprocess.run(
        [Path(sys.executable).with_name("avtech"), "validate", "--output", "concise"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert [line.split("[")[1][:6] for line in done.stdout.splitlines()] == [
        *("AVT106", "AVT104", "AVT106", "AVT106", "AVT105", "AVT113", "AVT107", "AVT103", "AVT111")
    ]
    assert "Traceback" not in done.stderr
    assert "root:" not in done.stdout


@pytest.mark.parametrize("output", ["full", "concise", "json"])
def test_a_file_name_that_is_no_text_can_be_shown(root: Path, capsys: pytest.CaptureFixture[str], output: str) -> None:
    for name in (b"b\xff\xe9.yaml", b"new\nline\x1b[31m.yaml"):
        Path(os.fsdecode(bytes(root / "fleet") + b"/" + name)).write_bytes(b"kind: x\n")
    assert run(cli, ["validate", str(root), "--output", output]) == 1
    out, err = capsys.readouterr()
    assert out.count("AVT120") == 2
    assert "\x1b" not in out
    assert "internal" not in err


def test_all_forms_carry_the_same_findings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    wrong = {
        f"fleet/CLI-A/p{n}.yaml": document("Playlist", f"p{n}", f"client: CLI-A\nitems: [{{clip: VID-X{n}}}]")
        for n in range(14)
    }
    root = write(tmp_path / "root", {**MINIMAL, **wrong})
    said: dict[str, str] = {}
    for form in ("full", "concise", "json", "github", "sarif", "junit"):
        assert run(cli, ["validate", str(root), "--no-cache", "--output", form]) == 1
        said[form] = capsys.readouterr().out
    for path in wrong:
        assert all(path in text for text in (*said.values(), summary.read_text()))
    assert said["github"].count("::error ") == 10
    assert said["github"].count("AVT205") >= 14
    assert "14 errors, 0 warnings" in summary.read_text()
