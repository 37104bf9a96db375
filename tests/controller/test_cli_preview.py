"""`avtech preview` as people and CI run it."""

import json
import re
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from tests.controller.preview_fleet import WEEK, changed_fleet, replace
from tests.controller.repository import Repository, make_repository

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.delenv("AVTECH_STORE", raising=False)
    made = make_repository(tmp_path)
    made.commit("first")
    return made


def preview(repository: Repository, *more: str) -> int:
    return run(cli, ["preview", "--repo", str(repository.path), "-o", str(repository.path / "out"), *more])


def test_it_writes_a_page_and_pictures_and_says_what_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("AVTECH_STORE", raising=False)
    root, out = changed_fleet(tmp_path, clips=False), tmp_path / "out"
    assert run(cli, ["preview", "--repo", str(root), "-o", str(out), *WEEK]) == 0
    stdout, stderr = capsys.readouterr()
    assert stdout == f"{out / 'index.html'}\n"
    assert "3 of 8 screens change: the work tree against commit " in stderr
    assert "note: 10 of 10 clips are shown without a picture: no store is named" in stderr or "clips are shown" in stderr
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) == 8
    first = {path.name: path.read_bytes() for path in [*pictures, out / "index.html"]}
    assert run(cli, ["preview", "--repo", str(root), "-o", str(out), *WEEK]) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_the_result_as_json(repository: Repository, capsys: Capture) -> None:
    assert preview(repository, "SCR-ACME-0002", "--base", "HEAD", "--from", "2026-10-19", "--output", "json") == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["from"], value["until"], value["screens"], value["changed"]) == ("2026-10-19", "2026-10-25", 1, 0)
    assert value["before"].endswith("(HEAD)")
    assert value["removed"] == []
    (week,) = value["weeks"]
    assert (week["state"], week["screens"], week["pictures"]) == ("same", ["SCR-ACME-0002"], ["SCR-ACME-0002.png"])


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_broken_promise_is_drawn_with_the_change_that_broke_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, output: str
) -> None:
    monkeypatch.delenv("AVTECH_STORE", raising=False)
    root, out = changed_fleet(tmp_path, clips=False), tmp_path / "out"
    replace(root / "fleet/CLI-ACME/schedules/canteen.yaml", 'from: "11:30"', 'from: "13:30"')
    assert run(cli, ["preview", "--repo", str(root), "-o", str(out), *WEEK, "--output", output]) == 1
    stdout, stderr = capsys.readouterr()
    assert "error[AVT301]" in stderr
    page = (out / "index.html").read_text()
    assert "AVT301" in page
    assert "what is below is what would play" in page
    assert "What changes" in page
    if output == "json":
        value = json.loads(stdout)
        assert value["changed"] == 3
        assert [finding["code"] for finding in value["findings"]] == ["AVT301"]


def test_the_item_whose_weight_changes_is_named_with_both_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVTECH_STORE", raising=False)
    root, out = changed_fleet(tmp_path, clips=False), tmp_path / "out"
    replace(root / "fleet/CLI-ACME/playlists/offers.yaml", "weight: 3", "weight: 9")
    assert run(cli, ["preview", "--repo", str(root), "-o", str(out), *WEEK]) == 0
    page = (out / "index.html").read_text()
    assert re.search(r"<ins>the weight of VID-ACME-[A-Z-]+ in offers changes from 3 to 9</ins>", page)
    assert "s · weight 9</small>" in page
    assert "s · weight 3</small>" in page


def test_a_commit_is_previewed_without_the_work_tree(repository: Repository, capsys: Capture) -> None:
    (repository.path / "fleet/CLI-ACME/client.yaml").write_text("kind: [")
    assert preview(repository, "--commit", "HEAD") == 0
    assert "there is nothing to compare with" in capsys.readouterr().err
    assert preview(repository) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["SCR-ACME-002"], 2, "did you mean SCR-ACME-0002?"),
        (["--from", "2026-02-30"], 2, "'--from': '2026-02-30' is not a day of the calendar"),
        (["--until", "27.11.2026"], 2, "written like 2026-12-24"),
        (["--from", "2026-10-19", "--until", "2026-10-18"], 2, "it is before --from"),
        (["--from", "2026-10-01", "--until", "2026-11-01"], 2, "at most 31 days are drawn"),
        (["--from", "1066-10-14"], 2, "outside the years that can be drawn"),
        (["--base", "nowhere"], 2, "'nowhere' is not a commit"),
        (["--store", "ftp://x"], 2, "not the address of a store"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_line(
    repository: Repository, capsys: Capture, arguments: list[str], code: int, said: str
) -> None:
    assert preview(repository, *arguments) == code
    assert said in capsys.readouterr().err
    assert not (repository.path / "out").exists()


def test_a_store_that_cannot_be_reached_is_a_note_not_an_empty_answer(repository: Repository, capsys: Capture) -> None:
    repository.git("checkout", "-qb", "change")
    assert preview(repository, "--store", f"file://{repository.path}/gone", "--from", "2026-10-19") == 0
    error = capsys.readouterr().err
    assert "note: what is released could not be read: " in error
    assert "without a picture: the store could not be read (" in error
    page = (repository.path / "out/index.html").read_text()
    assert "what is released could not be read" in page


def test_a_place_that_cannot_be_written_is_said(repository: Repository, capsys: Capture) -> None:
    (repository.path / "file").write_text("")
    assert run(cli, ["preview", "--repo", str(repository.path), "-o", str(repository.path / "file/out")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_a_link_that_lies_in_the_way_is_replaced_not_followed(repository: Repository, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (repository.path / "out").mkdir()
    (repository.path / "out/index.html").symlink_to(target)
    assert preview(repository) == 0
    assert target.read_text() == "precious"


def test_help_shows_examples(capsys: Capture) -> None:
    assert run(cli, ["preview", "--help"]) == 0
    assert "avtech preview -o build/preview --base origin/main" in capsys.readouterr().out
