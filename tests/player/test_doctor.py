"""`doctor`: every check by itself, a line for each problem, and the exit code for scripts."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from avtech_player.config import load_config
from avtech_player.doctor import diagnose
from tests.player.authority import Authority
from tests.player.broker import broker, free_port, needs_broker
from tests.player.devices import Device
from tests.player.repository import Repository, manifest_of


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "store")
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    return repository


@pytest.fixture
def device(tmp_path: Path, repository: Repository) -> Device:
    return Device(tmp_path / "device", repository)


def examined(device: Device, code: int, **environment: str) -> dict[str, list[dict[str, Any]]]:
    result = device.command("doctor", "--config", str(device.config), "--output", "json", environment=environment)
    assert result.returncode == code, result.stdout + result.stderr
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(result.stdout)["findings"]:
        found.setdefault(finding["check"], []).append(finding)
    return found


def looked_at(device: Device, check: str, name: str, setting: object) -> list[tuple[str, str]]:
    """What one check finds, by a setting of the environment: its severity, and its message with what helps."""
    environment = {**os.environ, name: json.dumps(setting)}
    found = diagnose(load_config(device.config, environment), environment)
    return [(one.severity, f"{one.message} [{one.help}]") for one in found if one.check == check]


def errors(found: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    return {name: one["message"] for name, several in found.items() for one in several if one["severity"] == "error"}


def test_a_device_that_is_well_has_no_errors(device: Device) -> None:
    found = examined(device, 0)
    assert set(found) == {"config", "key", "root", "state", "disk", "clock", "store", "engine", "panel", "wake", "api"}
    assert errors(found) == {}
    assert "ed25519:" in found["key"][0]["message"]
    assert "no player has run here yet" in found["state"][0]["message"]


def test_everything_that_is_wrong_is_told_at_once(device: Device) -> None:
    device.state_dir.joinpath("device.key").chmod(0o644)
    (device.folder / "1.root.json").write_bytes(b"{}")
    found = examined(
        device,
        1,
        AVTECH_PLAYER_STORE=f"file://{device.folder}/nowhere",
        AVTECH_PLAYER_ENGINE="{kind: mpv, executable: no-such-mpv, display: ':9876'}",
        AVTECH_PLAYER_MIN_FREE_BYTES="100000 GB",
    )
    wrong = errors(found)
    assert set(wrong) == {"root", "disk", "store", "engine", "display"}
    assert "fewer than the 100000000000000" in wrong["disk"]
    assert "no-such-mpv is not there" in wrong["engine"]
    assert "no X server answers on :9876" in wrong["display"]
    assert [one["severity"] for one in found["key"]] == ["warning", "ok"]


def test_a_lost_key_a_read_only_store_and_damaged_state_are_told(device: Device) -> None:
    device.state_dir.joinpath("device.key").unlink()
    device.state_dir.joinpath("state.json").write_bytes(b"{}")
    found = examined(device, 1, AVTECH_PLAYER_STORE="http://127.0.0.1:9/fleet")
    wrong = errors(found)
    assert "there is no device key" in wrong["key"]
    assert "it plays, but reports cannot be signed" in wrong["key"]
    assert "store" in wrong
    assert "the next start rebuilds it" in found["state"][0]["message"]


def test_the_commands_that_switch_the_panel_are_looked_for(device: Device, tmp_path: Path) -> None:
    assert "no command turns the panel on and off" in examined(device, 0)["panel"][0]["message"]
    there, not_executable = tmp_path / "panel-on", tmp_path / "panel-off"
    for path in (there, not_executable):
        path.write_text("#!/bin/sh\n")
    there.chmod(0o755)

    def panel(on: str | Path, off: str | Path) -> list[tuple[str, str]]:
        power = {"powerCommand": {"on": [str(on), "x"], "off": [str(off)]}}
        return looked_at(device, "panel", "AVTECH_PLAYER_DISPLAY", power)

    assert panel(there, "true") == [
        ("ok", f"{there} turns the panel on []"),
        ("ok", f"{shutil.which('true')} turns the panel off []"),
    ]
    (severity, on), (_, off) = panel("no-such-panel", not_executable)
    assert severity == "error"
    assert on.startswith("no-such-panel is not there; it turns the panel on [install it, or correct display.powerCommand")
    assert off.startswith(f"{not_executable} cannot be run; it turns the panel off [")


@needs_broker
def test_the_broker_is_asked_and_one_that_fails_is_a_warning(device: Device, tmp_path: Path) -> None:
    assert "no broker wakes the player; it looks every 60 s" in examined(device, 0)["wake"][0]["message"]
    port = free_port()

    def wake(url: str = f"mqtt://127.0.0.1:{port}", **more: str) -> tuple[str, str]:
        (found,) = looked_at(device, "wake", "AVTECH_PLAYER_WAKE", {"url": url, **more})
        return found

    with broker(tmp_path, port):
        severity, message = wake()
        assert (severity, f"127.0.0.1:{port} lets the player listen to avtech/wake, after " in message) == ("ok", True)
        severity, message = wake(passwordFile=str(tmp_path / "none"))
        assert (severity, "there is no " in message) == ("warning", True)
    assert wake() == ("warning", f"no wake-up from 127.0.0.1:{port}: Connection refused; it looks every 60 s []")
    with broker(tmp_path, port, lets_in=False):
        assert "it refuses the connection: Not authorized" in wake()[1]
    authority = Authority(tmp_path)
    with broker(tmp_path, port, certificate=authority.issue("localhost")):
        assert wake(f"mqtts://localhost:{port}", caFile=str(authority.file))[0] == "ok"
        severity, message = wake(f"mqtts://localhost:{port}")
        assert (severity, "its certificate does not hold" in message, "wake.caFile" in message) == ("warning", True, True)


def test_a_wrong_configuration_is_told_line_by_line(device: Device) -> None:
    device.config.write_text(device.config.read_text() + "pollSecond: 3\nmaxBytes: x\n")
    found = examined(device, 1)
    assert set(found) == {"config"}
    assert [one["message"].partition(": ")[2] for one in found["config"]] == [
        "unknown key 'pollSecond'",
        "maxBytes: expected a size like 500000000, 500 MB or 2 GiB, found 'x'",
    ]
    assert found["config"][0]["help"] == "did you mean 'pollSeconds'?"
    result = device.command("run", "--config", str(device.config))
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 2
    assert all(line.startswith("error: ") for line in result.stderr.strip().splitlines())


def test_a_store_of_which_no_request_can_be_made_is_a_finding(device: Device) -> None:
    found = examined(device, 1, AVTECH_PLAYER_STORE="s3://av tech/fleet")
    assert [one["message"] for one in found["config"]] == [
        "AVTECH_PLAYER_STORE: store: 'av tech' cannot be the name of a bucket"
    ]
    address = "s3://avtech/fleet?endpoint=http://127.0.0.1:1"
    found = examined(device, 1, AVTECH_PLAYER_STORE=address, AWS_ACCESS_KEY_ID="key\n", AWS_SECRET_ACCESS_KEY="x")
    assert any("no request can be made" in one["message"] for one in found["store"])
    found = examined(device, 1, AVTECH_PLAYER_STORE="s3://avtech/fleet", AWS_ENDPOINT_URL="http://h:notaport")
    assert any("AWS_ENDPOINT_URL: " in one["message"] for one in found["store"])


def test_people_read_lines_with_what_to_do(device: Device) -> None:
    result = device.command(
        "doctor", "--config", str(device.config), environment={"AVTECH_PLAYER_ENGINE": "mpv", "DISPLAY": ":9876"}
    )
    assert result.returncode == 1
    assert "error    display  the display is missing: no X server answers on :9876" in result.stdout
    assert "= help: is the X server running?" in result.stdout


def test_cleaning_up_while_no_player_runs_works_on_the_disk(device: Device) -> None:
    assets = device.state_dir / "assets"
    assert device.command("sync", "--config", str(device.config)).returncode == 0
    (assets / ("0" * 64)).write_bytes(b"stray")
    dry = device.command("cleanup", "--config", str(device.config), "--days-old", "0", "--dry-run")
    assert "would free 5 bytes in 1 clips" in dry.stdout
    assert "freed 0 bytes in 0 clips" in device.command("cleanup", "--config", str(device.config)).stdout
    assert "freed 5 bytes" in device.command("cleanup", "--config", str(device.config), "--days-old", "0").stdout
    assert len(list(assets.iterdir())) == 1


def test_a_picture_of_a_player_that_does_not_run_is_one_line(device: Device) -> None:
    result = device.command("screenshot", "--config", str(device.config), environment={"AVTECH_PLAYER_API": "127.0.0.1:9"})
    assert result.returncode == 3
    assert "error: " in result.stderr
    assert "Traceback" not in result.stderr
