"""`avtech explain`, and its examples: what is shown as wrong has that finding, what is shown as right has not."""

import json
import textwrap
from datetime import date
from pathlib import Path

import pytest

from avtech_controller.checks import CODES
from avtech_controller.checks.explanations import EXPLANATIONS, Explanation
from avtech_controller.cli._main import cli, run
from avtech_controller.desired import load, open_source
from tests.controller.desired_files import MINIMAL, client, document, write

TODAY = date(2026, 11, 24)
EXAMPLE = "fleet/CLI-ACME/example.yaml"
SCREEN, FLEET, CLIENT = "fleet/CLI-ACME/screens/one.yaml", "fleet/fleet.yaml", "fleet/CLI-ACME/client.yaml"


def video(name: str, more: str = "") -> str:
    return MINIMAL["content-index/CLI-A/VID-A-ONE.yaml"].replace("CLI-A", "CLI-ACME").replace("VID-A-ONE", name) + more


def playlist(name: str, items: str) -> str:
    return document("Playlist", name, "client: CLI-ACME\nitems:\n" + textwrap.indent(items, "  "))


def world() -> dict[str, str]:
    """What the examples live in."""
    acme, northwind = "CLI-ACME", "CLI-NORTHWIND"
    files = {
        FLEET: MINIMAL[FLEET],
        **{path.replace("CLI-N", northwind): text.replace("CLI-N", northwind) for path, text in client("CLI-N").items()},
        CLIENT: document("Client", acme, "title: Acme\ntimeZone: Europe/Madrid\nfallback: house"),
        SCREEN: document("Screen", "SCR-ACME-0001", f"client: {acme}", labels="{area: lobby}"),
        "fleet/CLI-ACME/two.yaml": document("Screen", "SCR-ACME-0002", f"client: {acme}"),
        "fleet/CLI-ACME/lobbies.yaml": document("Group", "lobbies", f"client: {acme}\nmatchLabels: {{area: lobby}}"),
        "fleet/CLI-ACME/house.yaml": playlist("house", "- clip: VID-ACME-WELCOME"),
        "fleet/CLI-ACME/promo.yaml": playlist("autumn-promo", "- clip: VID-ACME-SALE"),
        "fleet/CLI-ACME/christmas.yaml": playlist("christmas", "- clip: VID-ACME-CHRISTMAS"),
        "fleet/CLI-ACME/long.yaml": playlist("long", "\n".join(f"- clip: VID-ACME-N{n}" for n in range(40))),
        "fleet/CLI-ACME/all.yaml": document(
            "Schedule", "all", f"client: {acme}\nscreens: {{names: [SCR-ACME-0001, SCR-ACME-0002]}}\nrules: [{{play: house}}]"
        ),
        "content-index/CLI-ACME/a.yaml": video("VID-ACME-WELCOME"),
        "content-index/CLI-ACME/b.yaml": video("VID-ACME-SALE"),
        "content-index/CLI-ACME/c.yaml": video("VID-ACME-CHRISTMAS", "  rights: {until: 2026-12-26}\n"),
        "content-index/CLI-ACME/d.yaml": video("VID-ACME-ARCHIVED", "  state: archived\n"),
        "content-index/CLI-NORTHWIND/e.yaml": video("VID-NORTHWIND-TEA").replace("CLI-ACME", northwind),
        **{f"content-index/CLI-ACME/n{n}.yaml": video(f"VID-ACME-N{n}") for n in range(40)},
    }
    return {path: text.replace("SCR-N-", "SCR-NORTHWIND-").replace("VID-N-", "VID-NORTHWIND-") for path, text in files.items()}


def framed(told: Explanation, text: str) -> dict[str, str | None]:
    """The files that an excerpt makes when it stands where it belongs."""
    selector, acme = "screens: {names: [SCR-ACME-0001]}", "client: CLI-ACME"
    powered = document("Screen", "SCR-ACME-0001", f"{acme}\ndisplay: {{powerHours: {{from: '08:00', until: '20:00'}}}}")
    match told.where:
        case "file":
            return {EXAMPLE: text + "\n", "fleet/CLI-ACME/lobbies.yaml": None}
        case "Fleet":
            return {FLEET: document("Fleet", "fleet", text)}
        case "Client":
            return {CLIENT: document("Client", "CLI-ACME", f"title: Acme\nfallback: house\n{text}")}
        case "Screen":
            return {EXAMPLE: document("Screen", "SCR-ACME-0009", text if "client" in text else f"{acme}\n{text}")}
        case "Screen.labels":
            return {EXAMPLE: document("Screen", "SCR-ACME-0009", acme, labels=f"{{{text}}}")}
        case "Screen.display":
            return {SCREEN: document("Screen", "SCR-ACME-0001", f"{acme}\ndisplay: {text}")}
        case "Group":
            return {EXAMPLE: document("Group", "example", f"{acme}\n{text}")}
        case "AirCheck":
            return {EXAMPLE: document("AirCheck", "example", f"{acme}\n{text}")}
        case "Playlist.items" if text.startswith("["):
            return {EXAMPLE: document("Playlist", "example", f"items: {textwrap.dedent(text.replace('  ', ''))}")}
        case "Playlist.items":
            return {EXAMPLE: playlist("example", text)}
        case "house.items":
            return {"fleet/CLI-ACME/house.yaml": playlist("house", text)}
        case "autumn-promo.items":
            rule = "{play: autumn-promo, days: [mon], from: '08:00', until: '09:00', priority: 1}"
            hour = f"{acme}\n{selector}\nrules: [{rule}]"
            return {"fleet/CLI-ACME/promo.yaml": playlist("autumn-promo", text), EXAMPLE: document("Schedule", "example", hour)}
        case "Schedule.screens":
            rules = f"{acme}\nscreens: {text}\nrules: [{{play: house}}]"
            return {EXAMPLE: document("Schedule", "example", rules), "fleet/CLI-ACME/all.yaml": None}
        case "Schedule.rules":
            listed = f"{acme}\n{selector}\nrules:\n{textwrap.indent(text, '  ')}"
            files: dict[str, str | None] = {EXAMPLE: document("Schedule", "example", listed), "fleet/CLI-ACME/all.yaml": None}
            return {**files, SCREEN: powered} if told.code == "AVT309" else files
        case where:
            raise AssertionError(where)


def codes_of(root: Path, files: dict[str, str | None]) -> set[str]:
    kept = {path: text for path, text in {**world(), **files}.items() if text is not None}
    return {finding.code for finding in load(open_source(write(root, kept)), today=TODAY).findings}


@pytest.mark.parametrize("code", [code for code, told in EXPLANATIONS.items() if told.where != "scene"])
def test_the_wrong_example_has_the_finding_and_the_right_one_has_not(tmp_path: Path, code: str) -> None:
    told = EXPLANATIONS[code]
    assert code in codes_of(tmp_path / "wrong", framed(told, told.wrong))
    right = codes_of(tmp_path / "right", framed(told, told.right))
    assert code not in right
    assert all(CODES[found].severity == "warning" for found in right)


def test_every_code_is_explained_and_no_other() -> None:
    assert EXPLANATIONS.keys() == CODES.keys()
    assert list(EXPLANATIONS) == sorted(EXPLANATIONS)
    for told in EXPLANATIONS.values():
        assert told.wrong != told.right
        assert all(text.strip().endswith((".", "`", "?")) for text in (told.why, told.fix)), told.code


@pytest.mark.parametrize("written", ["AVT204", "avt204", "204", "AVT-204", " AVT 204 "])
def test_a_code_may_be_written_in_several_ways(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["explain", written]) == 0
    out = capsys.readouterr().out
    assert out.startswith("AVT204 (error): unknown playlist\n")
    assert "Wrong, in the rules of a Schedule:\n\n    - play: autum-promo\n" in out


def test_an_unknown_code_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["explain", "AVT20"]) == 2
    err = capsys.readouterr().err
    assert "there is no finding 'AVT20'" in err
    assert "did you mean AVT20" in err
    assert run(cli, ["explain", "nonsense"]) == 2
    assert "lists all codes" in capsys.readouterr().err


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(CODES)
    assert run(cli, ["explain", "--output", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in told["codes"]] == list(CODES)
    assert set(told["codes"][0]) == {"code", "severity", "title", "meaning", "why", "fix", "where", "wrong", "right"}
