"""The commands at the device: what they print, how they end, and what they need not import."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avtech_player.state import PlayerState
from avtech_player.statefile import save_state
from avtech_schema.envelope import public_key
from tests.player.devices import COMMAND, Device
from tests.player.repository import LOBBY, Repository, manifest_of
from tests.player.server import serving

DEVICE_ONLY = """
import sys
class Absent:
    NAMES = ("git", "boto3", "botocore", "pydantic", "avtech_controller", "pygit2", "aiohttp", "requests")
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.NAMES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from avtech_player.cli import cli, run
code = run(cli, sys.argv[1:])
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def device(tmp_path: Path, repository: Repository) -> Device:
    return Device(tmp_path / "device", repository)


def test_enrolling_makes_a_private_key_and_prints_the_lines_for_the_pull_request(device: Device) -> None:
    result = device.command("enroll", "--config", str(device.config))
    assert result.stdout == f"device:\n  publicKey: {device.public_key}\n"
    assert public_key(device.public_key).keytype == "ed25519"
    assert stat.S_IMODE((device.state_dir / "device.key").stat().st_mode) == 0o600
    assert "pull request" in result.stderr


def test_enrolling_again_changes_nothing_and_says_so(device: Device, repository: Repository) -> None:
    before = {path: path.read_bytes() for path in device.folder.rglob("*") if path.is_file()}
    result = device.command("enroll", *device.enrolment(repository.url))
    assert result.returncode == 0
    assert f"# The device key was there already, and stays: {device.state_dir / 'device.key'}" in result.stderr
    assert result.stdout == f"device:\n  publicKey: {device.public_key}\n"
    assert {path: path.read_bytes() for path in device.folder.rglob("*") if path.is_file()} == before


def test_of_two_that_enrol_at_the_same_instant_the_one_that_lost_says_that_the_key_was_there(
    tmp_path: Path, device: Device, repository: Repository
) -> None:
    arguments = device.enrolment(repository.url)
    arguments[arguments.index("--state-dir") + 1] = str(tmp_path / "fresh")
    arguments[arguments.index("--config") + 1] = str(tmp_path / "fresh.yaml")
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: device.command("enroll", *arguments), range(3)))
    assert [one.returncode for one in found] == [0, 0, 0], [one.stderr for one in found]
    assert len({one.stdout for one in found}) == 1
    assert sum("was there already" in one.stderr for one in found) == 2


def test_enrolling_does_not_overwrite_another_configuration(device: Device) -> None:
    before = device.config.read_bytes()
    result = device.command("enroll", *device.enrolment("file:///elsewhere"))
    assert (result.returncode, "says something else" in result.stderr) == (2, True)
    assert device.config.read_bytes() == before


@pytest.mark.parametrize("missing", ["--screen", "--client", "--store", "--root", "--state-dir"])
def test_enrolling_with_half_of_it_says_what_is_missing(device: Device, repository: Repository, missing: str) -> None:
    arguments = device.enrolment(repository.url)
    at = arguments.index(missing)
    del arguments[at : at + 2]
    arguments[arguments.index("--config") + 1] = str(device.folder / "new.yaml")
    result = device.command("enroll", *arguments)
    assert result.returncode == 2
    assert "is missing" in result.stderr
    assert not (device.folder / "new.yaml").exists()


def test_enrolling_nobody_says_how(device: Device) -> None:
    result = device.command("enroll")
    assert (result.returncode, "say which player" in result.stderr) == (2, True)


def test_a_key_that_is_none_is_refused_and_kept(device: Device) -> None:
    key = device.state_dir / "device.key"
    key.write_bytes(b"not a key")
    result = device.command("enroll", "--config", str(device.config))
    assert (result.returncode, "cannot be read" in result.stderr) == (2, True)
    assert key.read_bytes() == b"not a key"


def test_syncing_a_stopped_player_fetches_and_leaves_the_trial_to_the_next_start(
    device: Device, repository: Repository
) -> None:
    ref = repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    result = device.command("sync", "--config", str(device.config), "--output", "json")
    found = json.loads(result.stdout)
    assert (found["outcome"], found["phase"], found["release"]["digest"]) == ("staged", "staged", ref.digest)
    assert result.returncode == 0
    again = device.command("sync", "--config", str(device.config))
    assert "its trial comes when the player runs" in again.stdout
    assert device.status()["candidate"]["sequence"] == ref.sequence


def test_syncing_from_a_store_that_is_gone_ends_with_3(device: Device) -> None:
    result = device.command("sync", "--config", str(device.config))
    assert (result.returncode, result.stdout.startswith("failed: ")) == (3, True)


def test_a_store_of_which_no_request_can_be_made_ends_with_2_and_one_line(device: Device) -> None:
    environment = {"AVTECH_PLAYER_STORE": "s3://avtech/fleet?endpoint=http://127.0.0.1:1 x"}
    for command in ("sync", "run"):
        result = device.command(command, "--config", str(device.config), environment=environment)
        assert (result.returncode, len(result.stderr.strip().splitlines())) == (2, 1), result.stderr
        assert "cannot be an endpoint" in result.stderr


def test_credentials_over_which_the_stores_library_panics_end_with_3(device: Device) -> None:
    environment = {
        "AVTECH_PLAYER_STORE": "s3://avtech/fleet?endpoint=http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "key\n",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    result = device.command("sync", "--config", str(device.config), environment=environment)
    assert (result.returncode, "no request can be made" in result.stdout) == (3, True)
    assert "Traceback" not in result.stderr


def test_syncing_what_is_not_signed_ends_with_6(device: Device, repository: Repository) -> None:
    repository.write("metadata/timestamp.json", b"{}")
    result = device.command("sync", "--config", str(device.config))
    assert (result.returncode, "does not hold" in result.stdout) == (6, True)


def test_syncing_a_manifest_for_another_screen_ends_with_6(device: Device, repository: Repository) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}), raw=b"{}")
    result = device.command("sync", "--config", str(device.config), "--output", "json")
    assert (result.returncode, json.loads(result.stdout)["outcome"]) == (6, "refused")
    status = device.command("status", "--config", str(device.config))
    assert "quarantined  release 1" in status.stdout
    assert status.stdout.startswith(f"screen       {LOBBY}\nstate        failed (safe)\n")


def test_the_status_of_a_player_that_never_ran_says_so(device: Device) -> None:
    result = device.command("status", "--config", str(device.config))
    assert (result.returncode, "no player has run" in result.stderr) == (2, True)


def test_the_status_of_a_damaged_state_says_that_a_start_mends_it(device: Device) -> None:
    (device.state_dir / "state.json").write_bytes(b"\0\0")
    result = device.command("status", "--config", str(device.config))
    assert (result.returncode, result.stderr) == (1, "")
    assert "the next run sets it aside and rebuilds it" in result.stdout
    found = json.loads(device.command("status", "--config", str(device.config), "--output", "json").stdout)
    assert (found["format_version"], found["screen"], found["state"]) == (1, LOBBY, "damaged")


def test_syncing_a_screen_that_no_release_names_ends_with_1(device: Device, repository: Repository) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    environment = {"AVTECH_PLAYER_CLIENT": "CLI-OTHER"}
    result = device.command("sync", "--config", str(device.config), environment=environment)
    assert result.returncode == 1
    assert result.stdout == f"failed: no release names the screen {LOBBY} of CLI-OTHER\n"
    assert "help: compare `screen` and `client`" in result.stderr
    save_state(device.state_dir, PlayerState())
    status = device.command("status", "--config", str(device.config), environment=environment)
    assert "desired      none: no release that was seen names this screen" in status.stdout


@pytest.mark.parametrize("name", ["timestamp", "1.snapshot", "1.targets"])
def test_metadata_that_is_damaged_is_named(device: Device, repository: Repository, name: str) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    repository.write(f"metadata/{name}.json", b"{}")
    result = device.command("sync", "--config", str(device.config))
    assert (result.returncode, result.stderr) == (6, "")
    assert result.stdout.startswith(f"failed: metadata/{name}.json does not hold: ")


def test_metadata_that_is_older_is_told_by_its_versions(device: Device, repository: Repository) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    old = (repository.path / "metadata/timestamp.json").read_bytes()
    repository.sign_timestamp()
    assert device.command("sync", "--config", str(device.config)).returncode == 0
    repository.write("metadata/timestamp.json", old)
    result = device.command("sync", "--config", str(device.config))
    assert (result.returncode, "the store offers timestamp version 1; version 2 was seen" in result.stdout) == (6, True)


def test_a_store_that_is_gone_or_fails_is_told_in_one_short_line(device: Device, repository: Repository) -> None:
    with serving(repository.path) as server:
        server.fail_with = 500
        result = device.command("sync", "--config", str(device.config), environment={"AVTECH_PLAYER_STORE": server.url})
    assert result.stdout == f"failed: {server.url}: reading metadata/timestamp.json: it answers 500 Internal Server Error\n"
    assert result.stderr == "  help: the player keeps playing and tries again\n"
    repository.path.rename(repository.path.with_name("away"))
    result = device.command("sync", "--config", str(device.config))
    assert result.stdout == f"failed: {repository.url}: reading metadata/timestamp.json: the directory is not there\n"


@pytest.mark.parametrize("command", ["run", "sync", "status", "enroll"])
def test_every_command_has_help_with_examples(device: Device, command: str) -> None:
    result = device.command(command, "--help")
    assert result.returncode == 0
    assert "Examples:" in result.stdout


@pytest.mark.parametrize("command", ["run", "sync", "status"])
def test_a_missing_configuration_is_one_line(tmp_path: Path, command: str) -> None:
    arguments = [*COMMAND, command, "--config", str(tmp_path / "none.yaml")]
    result = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 2
    assert "there is no configuration" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_command_is_a_usage_error(device: Device) -> None:
    assert device.command("play").returncode == 2


def test_several_players_in_one_process_must_all_be_simulated(tmp_path: Path, device: Device) -> None:
    real = tmp_path / "real.yaml"
    real.write_text(device.config.read_text().replace("simulated", "mpv").replace("/state", "/other"))
    result = device.command("run", "--config", str(device.config), "--config", str(real))
    assert (result.returncode, "must all be simulated" in result.stderr) == (2, True)


def test_logs_can_be_json(device: Device, repository: Repository) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    result = device.command("--log-format", "json", "sync", "--config", str(device.config))
    entries = [json.loads(line) for line in result.stderr.splitlines()]
    assert entries
    assert {"time", "level", "logger", "message"} <= entries[0].keys()


def test_errors_are_json_where_logs_are(device: Device) -> None:
    (device.folder / "1.root.json").unlink()
    result = device.command("-v", "--log-format", "json", "run", "--config", str(device.config))
    (entry,) = [json.loads(line) for line in result.stderr.splitlines()]
    assert (result.returncode, entry["level"], entry["kind"]) == (2, "error", "error")
    assert entry["message"].startswith("there is no trusted root")
    assert "copy trust/1.root.json" in entry["help"]
    result = device.command("--log-format", "json", "sync", "--config", str(device.config), "--nonsense")
    assert (result.returncode, "--nonsense" in json.loads(result.stderr)["message"]) == (2, True)


def test_results_as_json_say_their_version(device: Device, repository: Repository) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    for command in ("sync", "status", "enroll", "cleanup", "doctor"):
        result = device.command(command, "--config", str(device.config), "--output", "json")
        assert json.loads(result.stdout)["format_version"] == 1, command


def test_a_device_needs_neither_git_nor_boto3_nor_pydantic_nor_the_controller(device: Device, repository: Repository) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    for command in ("sync", "status", "enroll"):
        arguments = [sys.executable, "-c", DEVICE_ONLY, command, "--config", str(device.config)]
        result = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, result.stderr
    modules = result.stderr.splitlines()[-1].split()
    assert "avtech_player" in modules


def test_status_and_enroll_do_not_load_the_networks_libraries(device: Device, repository: Repository) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    device.command("sync", "--config", str(device.config))
    arguments = [sys.executable, "-c", DEVICE_ONLY, "status", "--config", str(device.config)]
    result = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0
    assert not {"tuf", "obstore", "h11", "urllib3"} & set(result.stderr.splitlines()[-1].split())
