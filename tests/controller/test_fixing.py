"""`validate --fix`: what is surely a slip is mended, everything else stays byte for byte."""

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtech_controller.cli._main import cli, run
from avtech_controller.desired import open_source
from avtech_controller.desired._models import surely
from avtech_controller.findings import Edit
from avtech_controller.fixing import apply_edits, plan_fixes, tidied, write_fixes
from avtech_schema.errors import EnvironmentFailedError
from tests.controller.desired_files import MINIMAL, document, write

CLIENT = "fleet/CLI-A/client.yaml"
SCREEN = "fleet/CLI-A/screens/one.yaml"
EXTRA = "fleet/CLI-A/extra.yaml"


def fixed(root: Path, files: dict[str, str | bytes]) -> dict[str, bytes]:
    """What would be written over files that stand in the minimal state."""
    write(root, {**MINIMAL, **files})
    return {file.path: file.after for file in plan_fixes(open_source(root)).files}


def schedule(rules: str, *, screens: str = "{names: [SCR-A-1]}") -> str:
    return document("Schedule", "s", f"client: CLI-A\nscreens: {screens}\nrules: {rules}")


@pytest.mark.parametrize(
    ("slip", "mended"),
    [
        (schedule("[{play: huose}]  # my own comment"), "play: house}]  # my own comment"),
        (schedule("[{play: 'huose'}]"), "play: 'house'}"),
        (schedule('[{play: "huose"}]'), 'play: "house"}'),
        (schedule("[{plya: house}]"), "[{play: house}]"),
        (schedule('[{"plya": house}]'), '[{"play": house}]'),
        (schedule("[{play: house, days: [mno, tue]}]"), "days: [mon, tue]"),
        (schedule("[{play: house, days: [Mon]}]"), "days: [mon]"),
        (schedule("[{play: house, priority: '5'}]"), "priority: 5}"),
        (schedule("[{play: house, from: '8:30', until: '9:30'}]"), "from: '08:30', until: '09:30'"),
        (schedule("[{play: house, from: 8:30, until: '09:30'}]"), "from: \"08:30\", until: '09:30'"),
        (schedule("[{play: house}]", screens="{matchLabels: {floor: 1}}"), 'floor: "1"'),
        (schedule("[{play: house}]", screens="{matchLabels: {floor: true}}"), 'floor: "true"'),
        (schedule("[{play: house}]").replace("kind: Schedule", "kind: Shcedule"), "kind: Schedule"),
        (schedule("[{play: house}]").replace("CLI-A\n", "CLI-B\n"), ""),
        (schedule("[{play: house}]", screens="{names: [SCR-A-2, SCR-A-1]}"), ""),
        (schedule("[{play: hoarse-horses}]"), ""),
        (schedule("[{play: house, from: '24:00'}]"), ""),
        (schedule("[{play: &x huose}]"), ""),
        (schedule("[{play: house, plya: house}]"), ""),
    ],
)
def test_a_slip_is_mended_where_one_word_is_surely_meant(tmp_path: Path, slip: str, mended: str) -> None:
    after = fixed(tmp_path, {EXTRA: slip})
    if not mended:
        assert after == {}
        return
    text = after[EXTRA].decode()
    assert mended in text
    changed = [(old, new) for old, new in zip(slip.splitlines(), text.splitlines(), strict=True) if old != new]
    assert len(changed) == 1


def test_the_time_zone_and_several_slips_in_several_files_are_mended_at_once(tmp_path: Path) -> None:
    after = fixed(
        tmp_path,
        {CLIENT: MINIMAL[CLIENT].replace("Madrid", "Madird"), EXTRA: schedule("[{play: huose, prioriti: 3}, {play: hosue}]")},
    )
    assert after[CLIENT].decode() == MINIMAL[CLIENT]
    assert after[EXTRA].decode() == schedule("[{play: house, priority: 3}, {play: house}]")


def test_what_a_mend_uncovers_is_mended_too(tmp_path: Path) -> None:
    after = fixed(tmp_path, {EXTRA: schedule("[{play: huose}]").replace("kind: Schedule", "kind: Scheduel")})
    assert after[EXTRA].decode() == schedule("[{play: house}]")


def test_a_mend_that_makes_nothing_better_is_not_written(tmp_path: Path) -> None:
    twin = MINIMAL[SCREEN].replace("kind: Screen", "kind: Scren")
    assert fixed(tmp_path, {EXTRA: twin}) == {}


@pytest.mark.parametrize(
    ("word", "words", "meant"),
    [
        ("huose", ["house", "home"], "house"),
        ("house1", ["house2"], None),
        ("SCR-A-0002", ["SCR-A-0001"], None),
        ("SCR-AMCE-0001", ["SCR-ACME-0001", "SCR-ACME-0002"], "SCR-ACME-0001"),
        ("promo", ["promos", "promop"], None),
        ("cat", ["cut", "dog"], None),
        ("clp", ["clip", "playlist"], "clip"),
        ("CLI-B", ["CLI-A"], None),
        ("cat", ["cow", "dog"], None),
        ("Europe/madrid", ["Europe/Madrid", "Europe/Malta"], "Europe/Madrid"),
        ("x", [], None),
    ],
)
def test_one_word_is_surely_meant_or_none(word: str, words: list[str], meant: str | None) -> None:
    assert surely(word, words) == meant


# --- tidiness


def test_times_are_quoted_and_keys_put_in_order_with_their_comments() -> None:
    before = (
        "# modeline\n"
        "spec:\n"
        "  rules:\n"
        "    - {play: house, from: 22:30, until: 24:00}  # late\n"
        "    - play: house\n"
        "      from: 08:00:30\n"
        "# who\n"
        "metadata:\n"
        "  name: s\n"
        "kind: Schedule\n"
        "\n"
        "apiVersion: avtech/v1\n"
        "# the end\n"
    )
    assert tidied(before.encode()).decode() == (
        "# modeline\n"
        "apiVersion: avtech/v1\n"
        "# the end\n"
        "kind: Schedule\n"
        "\n"
        "# who\n"
        "metadata:\n"
        "  name: s\n"
        "spec:\n"
        "  rules:\n"
        '    - {play: house, from: "22:30", until: "24:00"}  # late\n'
        "    - play: house\n"
        '      from: "08:00:30"\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "kind: X\napiVersion: *a\nmetadata: &a {}\n",
        "{kind: X, apiVersion: y, metadata: {}, spec: {}}\n",
        "kind: X\rapiVersion: y\r",
        "kind: X\r\napiVersion: y\n",
        "--- {kind: X, apiVersion: y}\n",
        "kind: [\napiVersion: y\n",
        "a: |\n  22:30\nb: x 22:30\n22:30: c\n",
        'a: "22:30"\n',
        "a: '22:30'\n",
        "kind: X\x85apiVersion: y\n",
        "",
    ],
)
def test_what_cannot_be_tidied_for_sure_is_left_alone(text: str) -> None:
    assert tidied(text.encode()) == text.encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\ufeffkind: X\napiVersion: y\n", "\ufeffapiVersion: y\nkind: X\n"),
        ("kind: X\r\napiVersion: y\r\n", "apiVersion: y\r\nkind: X\r\n"),
        ("kind: X\napiVersion: y", "apiVersion: y\nkind: X"),
        ("kind: X\r\na: 22:30\r\n", 'kind: X\r\na: "22:30"\r\n'),
        ("---\nkind: A\napiVersion: y\n---\nspec: {}\nkind: B\n", "---\napiVersion: y\nkind: A\n---\nkind: B\nspec: {}\n"),
        ("zzz: 1\nkind: X\n", "kind: X\nzzz: 1\n"),
    ],
)
def test_line_ends_marks_and_documents_stay(before: str, after: str) -> None:
    assert tidied(before.encode()).decode() == after


_LINES = st.sampled_from(
    [
        *("apiVersion: avtech/v1", "kind: Screen", "metadata:", "  name: SCR-A-1", "spec:", "  a: 22:30", "  b: [08:00, x]"),
        *("# comment", "", "---", "  - 7:15", "other: |", "  text", "x: &a 1", "y: *a", "\t", '  c: "12:00"', "...", "? q"),
    ]
)


@given(st.lists(_LINES, max_size=14), st.sampled_from(["\n", "\r\n"]), st.booleans())
@settings(max_examples=120, deadline=None)
def test_tidying_is_idempotent_and_only_moves_lines_and_adds_quotes(lines: list[str], ending: str, ends: bool) -> None:
    before = ending.join(lines) + (ending if ends else "")
    after = tidied(before.encode()).decode()
    assert tidied(after.encode()).decode() == after
    assert sorted(after.replace('"', "").split(ending)) == sorted(before.replace('"', "").split(ending))


@given(st.text(alphabet="aé漢\n\r", max_size=30), st.data())
@settings(max_examples=100, deadline=None)
def test_an_edit_changes_its_range_alone(text: str, data: st.DataObject) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = data.draw(st.integers(0, len(lines) - 1))
    first = data.draw(st.integers(0, len(lines[line])))
    last = data.draw(st.integers(first, len(lines[line])))
    after = apply_edits(text.encode(), [Edit(line + 1, first + 1, line + 1, last + 1, "NEW")]).decode()
    head, _, tail = after.partition("NEW")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + len(tail) + last - first == len(text)


# --- writing


def test_fix_writes_keeps_the_mode_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path, {**MINIMAL, EXTRA: schedule("[{play: huose}]")})
    (root / EXTRA).chmod(0o640)
    assert run(cli, ["validate", str(root), "--diff"]) == 1
    out, err = capsys.readouterr()
    assert "-rules: [{play: huose}]".replace("-rules", "-  rules") in out
    assert "would be: 1 finding mended in 1 file, 0 files tidied; then no findings" in err
    assert "huose" in (root / EXTRA).read_text()
    assert run(cli, ["validate", str(root), "--fix", "--dry-run"]) == 1
    assert "huose" in (root / EXTRA).read_text()
    capsys.readouterr()
    assert run(cli, ["validate", str(root), "--fix"]) == 0
    assert capsys.readouterr() == ("", "1 finding mended in 1 file, 0 files tidied; no findings in 6 files; 1 screen\n")
    assert (root / EXTRA).read_text() == schedule("[{play: house}]")
    assert stat.S_IMODE((root / EXTRA).stat().st_mode) == 0o640
    assert run(cli, ["validate", str(root), "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_a_commit_is_not_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["validate", str(write(tmp_path, MINIMAL)), "--fix", "--changed-since", "HEAD"]) == 2
    assert "only the whole work tree" in capsys.readouterr().err


def test_a_file_that_changed_meanwhile_or_became_a_link_is_not_written(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {**MINIMAL, EXTRA: schedule("[{play: huose}]")})
    fixes = plan_fixes(open_source(root))
    (root / EXTRA).write_text("newer\n")
    with pytest.raises(EnvironmentFailedError, match="changed meanwhile"):
        write_fixes(root, fixes)
    outside = tmp_path / "outside.yaml"
    outside.write_bytes(fixes.files[0].before)
    (root / EXTRA).unlink()
    (root / EXTRA).symlink_to(outside)
    with pytest.raises(EnvironmentFailedError):
        write_fixes(root, fixes)
    (root / "fleet").rename(root / "real")
    (root / "fleet").symlink_to(root / "real")
    with pytest.raises(EnvironmentFailedError, match="leads out"):
        write_fixes(root, fixes)
    assert outside.read_bytes() == fixes.files[0].before


def test_a_file_with_a_secret_is_left_alone(tmp_path: Path) -> None:
    secret = "AKIA" + "QWERTYUIOPASDFGH"
    assert fixed(tmp_path, {EXTRA: schedule("[{play: huose, from: 08:00}]") + f"# {secret}\n"}) == {}
