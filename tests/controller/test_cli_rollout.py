"""`avtech rollout` from publication to the last wave, against a real repository, a real store and signed reports."""

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.publication import Released, read_head
from avtech_controller.trust import load_anchor
from avtech_schema.envelope import seal
from avtech_schema.layout import report_key
from avtech_schema.report import PAYLOAD_TYPE
from tests.controller.repository import Repository, make_repository
from tests.controller.rollouts import failed_report, name_of, old_report, report

Capture = pytest.CaptureFixture[str]
WAVES = "waves: [{matchLabels: {ring: canary}, soakMinutes: 0}, {percent: 50, soakMinutes: 0}]"


def fleet_yaml(rollout: str, more: str = "") -> str:
    return (
        "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: test}\nspec:\n  limits: {changedPercent: 100}\n"
        f"  rollout: {{{rollout}}}\n{more}"
    )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    made = make_repository(tmp_path, screens=8)
    for number in (1, 2):
        path = made.path / f"fleet/CLI-ACME/screens/SCR-ACME-{number:04}.yaml"
        path.write_text(path.read_text().replace("metadata: {", "metadata: {labels: {ring: canary}, "))
    made.write("fleet/fleet.yaml", fleet_yaml(WAVES))
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    assert publish(made) == 0
    say(made, released(made))
    return made


def publish(repository: Repository, *more: str) -> int:
    return run(cli, ["publish", *repository.options(), "--keys-dir", str(repository.keys), "--yes", *more])


def rollout(repository: Repository, command: str, *more: str) -> int:
    keys = [] if command == "status" else ["--keys-dir", str(repository.keys)]
    return run(cli, ["rollout", command, *repository.options(), *keys, *more])


def as_json(repository: Repository, capsys: Capture, command: str, *more: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = rollout(repository, command, *more, "--output", "json")
    return code, json.loads(capsys.readouterr().out)


def released(repository: Repository) -> Released:
    head = read_head(repository.store, load_anchor(repository.path))
    assert head is not None
    return head.released


def change(repository: Repository, zone: str = "Asia/Tokyo") -> str:
    """A change of every screen."""
    path = repository.path / "fleet/CLI-ACME/client.yaml"
    path.write_text(path.read_text().replace("Europe/Madrid", zone).replace("America/New_York", zone))
    return repository.commit(f"to {zone}")


def say(repository: Repository, now: Released, *, failing: Collection[str] = (), lagging: Collection[str] = ()) -> None:
    """Every screen signs and stores its report of what is released; `failing` ones rolled back, `lagging` have not heard."""
    for name, screen in now.screens.items():
        time = datetime.now(UTC)
        made = (
            failed_report(screen, time)
            if name in failing
            else old_report(screen, time)
            if name in lagging
            else report(screen, time)
        )
        path = repository.store_path / report_key(screen.client, screen.screen)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seal(made.payload(), PAYLOAD_TYPE, CryptoSigner(repository.devices[name])))


def zones_changed(repository: Repository, since: Released) -> list[str]:
    return [name for name, screen in released(repository).screens.items() if screen.digest != since.screens[name].digest]


def test_a_release_goes_through_its_waves_to_the_whole_fleet(repository: Repository, capsys: Capture) -> None:
    before = released(repository)
    change(repository)
    capsys.readouterr()
    assert publish(repository) == 0
    said = capsys.readouterr().out
    assert "rollout in 3 waves" in said
    assert "wave 1: 2 screens (25 % in all), watched for 0 min" in said
    assert zones_changed(repository, before) == ["SCR-ACME-0001", "SCR-ACME-0002"]
    code, held = as_json(repository, capsys, "tick")
    assert (code, held["acted"]) == (0, "none")
    assert "speak of the release" in held["looked"]["decision"]["reason"]
    for wave, count in ((2, 4), (3, 8)):
        say(repository, released(repository))
        code, value = as_json(repository, capsys, "tick")
        assert (code, value["acted"], value["wave"]) == (0, "advance", wave)
        assert len(zones_changed(repository, before)) == count
    say(repository, released(repository))
    code, value = as_json(repository, capsys, "tick")
    assert (code, value["acted"], value["state"]) == (0, "complete", "complete")
    assert as_json(repository, capsys, "tick")[1]["acted"] == "none"
    assert publish(repository) == 0


def test_a_fault_halts_it_takes_the_screens_back_and_writes_a_revert_that_can_be_published(
    repository: Repository, tmp_path: Path, capsys: Capture
) -> None:
    before = released(repository)
    bad = change(repository)
    assert publish(repository) == 0
    say(repository, released(repository), failing=["SCR-ACME-0002"])
    capsys.readouterr()
    assert rollout(repository, "status") == 7
    assert "it failed on 1 of 2 screens (at most 0): SCR-ACME-0002: no clip of it plays" in capsys.readouterr().out
    assert rollout(repository, "tick", "--dry-run") == 7
    code, value = as_json(repository, capsys, "tick")
    assert (code, value["acted"], value["state"]) == (7, "halt", "halted")
    assert zones_changed(repository, before) == []
    after = released(repository)
    assert after.commit == bad
    assert {after.screens[name].release for name in (name_of(1), name_of(2))} == {after.sequence}
    capsys.readouterr()
    assert rollout(repository, "tick") == 7
    assert capsys.readouterr().out.startswith(f"rollout 2 of {bad[:12]}: it has ended: it failed on 1 of 2 screens")
    assert publish(repository) == 7
    assert "was halted for" in capsys.readouterr().err
    assert released(repository).sequence == after.sequence
    patch = tmp_path / value["patch"]
    status = repository.git("status", "--porcelain")
    repository.git("am", str(patch))
    assert repository.git("status", "--porcelain") == status == ""
    assert repository.git("diff", "--stat", "HEAD~2", "HEAD") == ""
    assert publish(repository) == 0
    assert zones_changed(repository, before) == []
    capsys.readouterr()
    assert rollout(repository, "status") == 0
    assert "not part of a rollout" in capsys.readouterr().out


def test_a_lost_revert_is_written_again_by_the_next_tick_and_abort(repository: Repository, capsys: Capture) -> None:
    change(repository)
    assert publish(repository) == 0
    say(repository, released(repository), failing=["SCR-ACME-0002"])
    assert rollout(repository, "tick") == 7
    file = Path("rollout-2-revert.patch")
    written, sequence = file.read_bytes(), released(repository).sequence
    code, value = as_json(repository, capsys, "tick")
    assert (code, value["acted"], value["patch"]) == (7, "none", str(file))
    assert file.read_bytes() == written, "what is there stays"
    file.unlink()
    assert rollout(repository, "tick", "--dry-run") == 7
    assert not file.exists()
    capsys.readouterr()
    assert rollout(repository, "tick") == 7
    assert "the revert: git am rollout-2-revert.patch" in capsys.readouterr().out
    assert b"it failed on 1 of 2 screens" in file.read_bytes()
    Path("back.patch").write_text("another rollout's")
    assert rollout(repository, "tick", "--patch", "back.patch") == 7
    assert b"rollout 2 was ended" in Path("back.patch").read_bytes()
    file.unlink()
    code, value = as_json(repository, capsys, "abort")
    assert (code, value["changed"], value["patch"]) == (0, False, str(file))
    assert released(repository).sequence == sequence
    repository.git("am", str(file.absolute()))
    assert publish(repository) == 0


def test_after_a_halt_the_status_still_names_every_screen_that_failed(repository: Repository, capsys: Capture) -> None:
    change(repository)
    assert publish(repository) == 0
    assert rollout(repository, "advance", "--yes") == 0
    had = released(repository)
    failed = [name_of(1), name_of(2)]
    say(repository, had, failing=failed)
    assert rollout(repository, "tick") == 7
    code, value = as_json(repository, capsys, "status")
    assert code == 7
    seen = {entry["screen"]: (entry["outcome"], entry["reason"]) for entry in value["screens"]}
    assert len(seen) == 4, "those of the waves that had begun"
    assert [name for name, (outcome, _) in seen.items() if outcome == "failed"] == failed
    assert {seen.pop(name) for name in failed} == {("failed", "no clip of it plays")}
    assert {outcome for outcome, _ in seen.values()} == {"waiting"}, "they play it still"
    for name in seen:
        _say_back(repository, name)
    assert rollout(repository, "status") == 7
    lines = capsys.readouterr().out.splitlines()
    assert "HEALTHY  FAILED  LOST  WAITING  DARK  SILENT  UNSEEN  RETURNED" in lines[2]
    assert lines[3].split()[4:12] == ["0", "2", "0", "0", "0", "0", "0", "0"]
    assert lines[4].split()[4:12] == ["0", "0", "0", "0", "0", "0", "0", "2"]
    assert "  SCR-ACME-0001  failed  no clip of it plays" in lines
    assert not any("returned" in line for line in lines)


def _say_back(repository: Repository, name: str) -> None:
    """A screen signs and stores its report of what is released for it now."""
    now = released(repository)
    say(repository, replace(now, screens={one: screen for one, screen in now.screens.items() if one == name}))


def test_a_patch_leaves_what_is_not_the_desired_state_alone(repository: Repository, capsys: Capture) -> None:
    repository.write("README.md", "new\n")
    repository.write("content-index/CLI-ACME/note.txt", "new\n")
    change(repository)
    assert publish(repository) == 0
    assert rollout(repository, "abort", "--reason", "wrong zone", "--patch", "back.patch") == 0
    assert "git am back.patch" in capsys.readouterr().out
    text = Path("back.patch").read_text()
    assert "wrong zone" in text
    assert "README.md" not in text
    assert rollout(repository, "abort") == 0
    assert "had ended already" in capsys.readouterr().out
    repository.git("am", str(Path("back.patch").absolute()))
    assert (repository.path / "README.md").exists()


def test_pausing_holds_it_and_resuming_lets_it_go_on(repository: Repository, capsys: Capture) -> None:
    change(repository)
    assert publish(repository) == 0
    say(repository, released(repository))
    assert rollout(repository, "pause", "--reason", "the fair") == 0
    sequence = released(repository).sequence
    assert rollout(repository, "pause") == 0
    assert "was paused already" in capsys.readouterr().out
    code, value = as_json(repository, capsys, "tick")
    assert (code, value["acted"]) == (0, "none")
    assert value["looked"]["decision"]["waits_for"] == ["it is paused: the fair"]
    assert rollout(repository, "tick") == 0
    assert ": wave 1 of 3 holds: it is paused: the fair" in capsys.readouterr().out
    assert released(repository).sequence == sequence
    assert rollout(repository, "advance", "--yes") == 2
    assert "rollout resume" in capsys.readouterr().err
    assert rollout(repository, "resume") == 0
    capsys.readouterr()
    assert rollout(repository, "resume") == 0
    assert "was not paused" in capsys.readouterr().out
    assert as_json(repository, capsys, "tick")[1]["acted"] == "advance"


def test_somebody_may_go_on_without_reports(repository: Repository, capsys: Capture) -> None:
    before = released(repository)
    change(repository)
    assert publish(repository) == 0
    assert rollout(repository, "advance") == 2, "without a terminal and without --yes nothing is done"
    assert rollout(repository, "advance", "--yes") == 0
    assert len(zones_changed(repository, before)) == 4
    assert rollout(repository, "advance", "--yes") == 0
    assert rollout(repository, "advance", "--yes") == 2
    assert "is the last one" in capsys.readouterr().err
    assert rollout(repository, "abort") == 0
    assert rollout(repository, "advance", "--yes") == 2
    assert zones_changed(repository, before) == []


def test_a_screen_may_try_again_what_a_halt_took_from_it(repository: Repository, capsys: Capture) -> None:
    before = released(repository)
    change(repository)
    assert publish(repository) == 0
    say(repository, released(repository), failing=["SCR-ACME-0001"])
    assert rollout(repository, "tick") == 7
    retry = ["retry", *repository.options(), "--keys-dir", str(repository.keys)]
    assert run(cli, [*retry, "SCR-ACME-0001"]) == 0
    assert zones_changed(repository, before) == ["SCR-ACME-0001"]
    assert run(cli, [*retry, "--halted"]) == 7
    assert "rollout abort" in capsys.readouterr().err
    assert rollout(repository, "abort") == 0
    assert zones_changed(repository, before) == []
    assert run(cli, [*retry, "--halted"]) == 0
    assert publish(repository) == 0
    assert zones_changed(repository, before) == ["SCR-ACME-0001", "SCR-ACME-0002"]


def test_a_plan_says_in_which_waves_it_comes_and_what_they_find(repository: Repository, capsys: Capture) -> None:
    path = repository.path / "fleet/CLI-ACME/client.yaml"
    path.write_text(path.read_text().replace("Europe/Madrid", "Asia/Tokyo"))
    capsys.readouterr()
    assert run(cli, ["plan", *repository.options()]) == 0
    said = capsys.readouterr().out
    assert "rollout in 3 waves:" in said
    assert "finds with 95 % probability a fault on" in said
    assert run(cli, ["plan", *repository.options(), "--output", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert [wave["screens"] for wave in value["rollout"]] == [2, 2, 4]
    assert run(cli, ["plan", *repository.options(), "--output", "markdown"]) == 0
    assert "**In waves:**\n\n- wave 1: 2 screens" in capsys.readouterr().out
    change(repository)
    assert publish(repository) == 0
    assert rollout(repository, "abort") == 0
    capsys.readouterr()
    assert run(cli, ["plan", *repository.options()]) == 0
    assert "would be stopped: 8 screens would get what release 2 was halted for" in capsys.readouterr().err
    assert run(cli, ["plan", *repository.options(), "--output", "markdown"]) == 0
    assert "⛔ Publishing this would be stopped: 8 screens" in capsys.readouterr().out
    assert run(cli, ["publish", *repository.options()]) == 7


def test_one_screen_is_one_screen(repository: Repository, capsys: Capture) -> None:
    path = repository.path / "fleet/CLI-ACME/screens/SCR-ACME-0002.yaml"
    path.write_text(path.read_text().replace("labels: {ring: canary}, ", ""))
    change(repository)
    capsys.readouterr()
    assert publish(repository) == 0
    assert "wave 1: 1 screen (12 % in all)" in capsys.readouterr().out


def test_a_freeze_holds_the_next_wave(repository: Repository, capsys: Capture) -> None:
    repository.write(
        "fleet/fleet.yaml", fleet_yaml(WAVES, "  freezes: [{from: '2020-01-01', until: '2199-12-31', reason: the sleep}]\n")
    )
    change(repository)
    assert publish(repository) == 4
    assert publish(repository, "--override-freeze") == 0
    say(repository, released(repository))
    code, value = as_json(repository, capsys, "tick")
    assert (code, value["acted"]) == (0, "none")
    assert "the sleep" in value["looked"]["decision"]["reason"]


ALARM = f"""\
apiVersion: avtech/v1
kind: Schedule
metadata: {{name: alarm}}
spec:
  client: CLI-ACME
  screens: {{names: [{", ".join(f"SCR-ACME-{number:04}" for number in range(1, 9))}]}}
  rules: [{{play: main, emergency: true, validUntil: "2199-12-31"}}]
"""
FREEZE = "  freezes: [{from: '2020-01-01', until: '2199-12-31', reason: the sleep}]\n"


def test_an_emergency_passes_a_freeze_alone_and_in_a_rollout_by_consent_and_a_halt_leaves_it_on_the_air(
    repository: Repository, capsys: Capture
) -> None:
    repository.write("fleet/fleet.yaml", fleet_yaml(WAVES, FREEZE))
    repository.commit("a freeze")
    before = released(repository)
    change(repository)
    assert publish(repository, "--override-freeze") == 0
    assert len(zones_changed(repository, before)) == 2
    repository.write("fleet/CLI-ACME/schedules/alarm.yaml", ALARM)
    repository.commit("fire")
    assert publish(repository) == 4, "it would bring six screens more than the emergency"
    assert publish(repository, "--override-freeze") == 0
    alarmed = released(repository)
    assert len(zones_changed(repository, before)) == 8
    say(repository, alarmed, failing=["SCR-ACME-0001"])
    assert rollout(repository, "tick") == 7
    assert zones_changed(repository, alarmed) == []
    capsys.readouterr()
    assert rollout(repository, "abort") == 0
    assert zones_changed(repository, before) == []
    path = repository.path / "fleet/CLI-ACME/client.yaml"
    repository.write("fleet/CLI-ACME/client.yaml", path.read_text().replace("Asia/Tokyo", "Europe/Madrid"))
    repository.commit("back, and still fire")
    assert publish(repository) == 0, "an emergency on top of what is good"
    assert len(zones_changed(repository, before)) == 8


def test_publishing_and_waiting_moves_it_to_its_end(repository: Repository, capsys: Capture) -> None:
    repository.write("fleet/fleet.yaml", fleet_yaml(f"{WAVES}, minReporting: 0"))
    change(repository)
    say(repository, released(repository))
    assert publish(repository, "--wait", "--timeout", "0", "--poll", "1") == 3
    assert "it goes on" in capsys.readouterr().err
    say(repository, released(repository), failing=["SCR-ACME-0001"])
    assert publish(repository, "--wait", "--poll", "1") == 7
    assert "halted" in capsys.readouterr().err


def test_waiting_without_waves_waits_for_the_screens(repository: Repository, capsys: Capture) -> None:
    repository.write("fleet/fleet.yaml", fleet_yaml("waves: []"))
    change(repository)
    assert publish(repository) == 0
    say(repository, released(repository), lagging=["SCR-ACME-0003"])
    capsys.readouterr()
    assert publish(repository, "--wait", "--timeout", "0") == 3
    told = capsys.readouterr().err
    assert "avtech status" in told
    assert "avtech rollout" not in told
    say(repository, released(repository))
    capsys.readouterr()
    assert publish(repository, "--wait", "--output", "json") == 0
    assert json.loads(capsys.readouterr().out)["waited"]["synced"] == 8
    say(repository, released(repository), failing=["SCR-ACME-0003"])
    assert publish(repository, "--wait") == 7


@pytest.mark.parametrize("command", ["status", "tick", "pause", "resume", "abort"])
def test_without_a_rollout_there_is_nothing_to_do(repository: Repository, command: str, capsys: Capture) -> None:
    sequence = released(repository).sequence
    assert rollout(repository, command) == (0 if command in {"status", "tick"} else 2)
    captured = capsys.readouterr()
    assert "not part of a rollout" in captured.out + captured.err
    assert released(repository).sequence == sequence


def test_a_rollout_with_a_forged_report_holds(repository: Repository, capsys: Capture) -> None:
    change(repository)
    assert publish(repository) == 0
    now = released(repository)
    say(repository, now)
    screen = now.screens[next(name for name in now.screens if name.endswith("0001"))]
    path = repository.store_path / report_key(screen.client, screen.screen)
    other = repository.devices["SCR-ACME-0005"]
    path.write_bytes(seal(report(screen, datetime.now(UTC)).payload(), PAYLOAD_TYPE, CryptoSigner(other)))
    code, value = as_json(repository, capsys, "tick")
    assert (code, value["acted"]) == (0, "none")
    assert "1 of 2 screens that have it" in value["looked"]["decision"]["reason"]
    assert rollout(repository, "status") == 0
    table = capsys.readouterr().out.splitlines()[2:4]
    assert table[0].split()[-2:] == ["REJECTED", "DETECTS"]
    told = table[1].split()
    assert [told[4], told[11]] == ["1", "1"], "the row adds up"


@pytest.mark.parametrize("command", ["status", "tick", "pause", "resume", "advance", "abort"])
def test_every_command_explains_itself_with_examples(command: str, capsys: Capture) -> None:
    assert run(cli, ["rollout", command, "--help"]) == 0
    assert f"avtech rollout {command}" in capsys.readouterr().out.partition("Examples:")[2]
