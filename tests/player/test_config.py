"""The configuration: read strictly, overridden by the environment, refused in one line."""

from pathlib import Path

import pytest

from avtech_player.config import KEYS, Address, Config, ConfigProblemsError, load_config, parse_config, store_url, variable
from avtech_schema.errors import ConfigurationError

WHOLE = b"""
screen: SCR-ACME-0001
client: CLI-ACME
store: https://store.example/fleet
reportStore: s3://bucket/fleet?endpoint=https://s3.example
stateDir: state
root: /etc/avtech/1.root.json
deviceKey: keys/device.key
engine: {kind: mpv, vo: x11, volume: 30}
pollSeconds: 5
reportSeconds: 60.5
"""
SHORT = b"{screen: SCR-A, client: CLI-A, store: 'file:///srv/store', stateDir: /var/lib/p, root: /r.json}"


def parse(data: bytes, **environment: str) -> Config:
    return parse_config(data, where="player.yaml", base=Path("/etc/avtech"), environment=environment)


def test_a_whole_configuration_is_read_and_relative_paths_start_at_the_file() -> None:
    config = parse(WHOLE)
    assert config.state_dir == Path("/etc/avtech/state")
    assert config.device_key == Path("/etc/avtech/keys/device.key")
    assert config.report_store == "s3://bucket/fleet?endpoint=https://s3.example"
    assert config.engine == {"kind": "mpv", "vo": "x11", "volume": 30}
    assert (config.poll_seconds, config.report_seconds) == (5.0, 60.5)


def test_what_is_not_said_has_a_sensible_value() -> None:
    config = parse(SHORT)
    assert config.device_key == Path("/var/lib/p/device.key")
    assert config.engine == {"kind": "mpv"}
    assert (config.poll_seconds, config.report_seconds, config.report_store) == (60.0, 300.0, None)
    assert (config.min_free_bytes, config.max_bytes, config.retention_days) == (16_000_000, None, 30.0)
    assert (config.plays_max_bytes, config.plays_upload_seconds) == (64_000_000, 3600.0)
    assert config.api == Address("127.0.0.1", 8081)
    assert parse(SHORT.replace(b"{screen", b"{engine: simulated, screen")).api is None


def test_the_environment_overrides_every_key() -> None:
    config = parse(
        SHORT,
        AVTECH_PLAYER_SCREEN="SCR-B",
        AVTECH_PLAYER_STATE_DIR="/elsewhere",
        AVTECH_PLAYER_POLL_SECONDS="0.5",
        AVTECH_PLAYER_ENGINE="simulated",
    )
    assert (config.screen, config.state_dir, config.poll_seconds) == ("SCR-B", Path("/elsewhere"), 0.5)
    assert config.engine == {"kind": "simulated"}
    assert parse(SHORT, AVTECH_PLAYER_ENGINE="{kind: simulated, speed: 10}").engine["speed"] == 10


def test_a_key_has_a_variable() -> None:
    assert variable("reportStore") == "AVTECH_PLAYER_REPORT_STORE"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "expected keys and values"),
        (b"- a", "expected keys and values"),
        (b"{", "not YAML"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"a: \0", "not YAML"),
        (b"screen: SCR-A\nscreen: SCR-B\n", "stands twice"),
        (b"!!python/object/apply:os.system ['true']", "not YAML"),
        (SHORT.replace(b"SCR-A", b"lobby"), "screen: 'lobby' is not a screen"),
        (SHORT.replace(b"screen: SCR-A, ", b""), "screen is missing"),
        (SHORT.replace(b"file:///srv", b"ftp://srv"), "store: "),
        (SHORT.replace(b"{screen", b"{pollSecond: 3, screen"), "unknown key 'pollSecond'"),
        (SHORT.replace(b"{screen", b"{pollSeconds: 0, screen"), "pollSeconds: expected 0.05 to 86400 seconds"),
        (SHORT.replace(b"{screen", b"{pollSeconds: yes, screen"), "pollSeconds: expected 0.05 to 86400 seconds"),
        (SHORT.replace(b"{screen", b"{engine: vlc, screen"), "engine: its kind is one of"),
        (SHORT.replace(b"{screen", b"{engine: [mpv], screen"), "engine: its kind is one of"),
        (SHORT.replace(b"/r.json", b"7"), "root: expected a text"),
        (b"[" * 1200, "not YAML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(data: bytes, why: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        parse(data)
    assert why in str(told.value)
    assert "\n" not in str(told.value)


def test_every_problem_is_told_at_once_with_its_place_and_the_nearest_key() -> None:
    data = b"""screen: SCR-A
client: acme
store: file:///srv
poll_seconds: 30
minFreeByte: 3
maxBytes:   lots
"""
    with pytest.raises(ConfigProblemsError) as told:
        parse(data, AVTECH_PLAYER_API="0.0.0.0:8081", AVTECH_PLAYER_REPORT_SECONDS="[")
    assert [problem.key for problem in told.value.problems if problem.place.line] == [
        "client",
        "poll_seconds",
        "minFreeByte",
        "maxBytes",
    ]
    lines = str(told.value).splitlines()
    assert sorted(lines) == sorted(set(lines))
    assert "player.yaml:2:9: client: 'acme' is not a client" in str(told.value)
    assert "player.yaml:4:15: unknown key 'poll_seconds' (did you mean 'pollSeconds'?)" in lines
    assert "player.yaml:5:14: unknown key 'minFreeByte' (did you mean 'minFreeBytes'?)" in lines
    assert "player.yaml:6:13: maxBytes: expected a size like 500000000, 500 MB or 2 GiB, found 'lots'" in lines
    assert any(line.startswith("AVTECH_PLAYER_API: api: 0.0.0.0 is not this machine's own") for line in lines)
    assert any(line.startswith("AVTECH_PLAYER_REPORT_SECONDS: not YAML") for line in lines)
    assert "player.yaml: stateDir is missing (write it there or set AVTECH_PLAYER_STATE_DIR)" in lines
    assert "player.yaml: root is missing (write it there or set AVTECH_PLAYER_ROOT)" in lines


def test_toml_says_the_same_as_yaml_and_its_problems_have_lines(tmp_path: Path) -> None:
    whole = tmp_path / "player.toml"
    whole.write_text(
        'screen = "SCR-A"\nclient = "CLI-A"\nstore = "file:///srv/store"\nstateDir = "/var/lib/p"\nroot = "/r.json"\n'
        'api = "off"\npollSeconds = 5\n[engine]\nkind = "mpv"\nvolume = 30\n'
    )
    config = load_config(whole, {})
    assert config.engine == {"kind": "mpv", "volume": 30}
    assert (config.poll_seconds, config.api, config.state_dir) == (5.0, None, Path("/var/lib/p"))
    whole.write_text(whole.read_text().replace("pollSeconds = 5", "pollSeconds = -5"))
    with pytest.raises(ConfigProblemsError, match=r"player\.toml:7:15: pollSeconds: expected"):
        load_config(whole, {})
    whole.write_text("screen = \n")
    with pytest.raises(ConfigurationError, match="not TOML"):
        load_config(whole, {})


@pytest.mark.parametrize(
    ("text", "size"), [("7", 7), ("500 MB", 500_000_000), ("2GiB", 2**31), ("16kb", 16_000), ("1 gb", 10**9)]
)
def test_sizes_may_have_units(text: str, size: int) -> None:
    assert parse(SHORT, AVTECH_PLAYER_MAX_BYTES=text).max_bytes == size


@pytest.mark.parametrize("text", ["-1", "1.5", "true", "5 bananas", "[]", "''", "1e9", "99999999999999999999"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigProblemsError, match="AVTECH_PLAYER_MAX_BYTES: maxBytes: expected a size"):
        parse(SHORT, AVTECH_PLAYER_MAX_BYTES=text)


@pytest.mark.parametrize(
    "text", ["8081", ":8081", "127.0.0.1", "127.0.0.1:x", "192.168.1.5:80", "example.org:80", "7", "127.0.0.1:99999"]
)
def test_the_api_listens_on_this_machine_alone(text: str) -> None:
    with pytest.raises(ConfigProblemsError, match="api"):
        parse(SHORT, AVTECH_PLAYER_API=text)
    assert parse(SHORT, AVTECH_PLAYER_API="'[::1]:9000'").api == Address("::1", 9000)
    assert parse(SHORT, AVTECH_PLAYER_API="localhost:0").api == Address("localhost", 0)


@pytest.mark.parametrize(
    "url",
    ["http://store.example/x", "https://key:secret@store.example", "file://host/x", "s3://", "store", "", "file:relative"],
)
def test_an_address_that_a_player_must_not_use_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        store_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "s3://avtech/fleet?endpoint=http://127.0.0.1:1 x",
        "s3://avtech/fleet?endpoint=http://h:notaport",
        "s3://avtech/fleet?endpoint=http://h:99999",
        "s3://avtech/fleet?endpoint=http://1.2.3.999",
        "s3://avtech/fleet?endpoint=http://[::1",
        "s3://avtech/fleet?endpoint=http://[::1%25eth0]:1",
        "s3://avtech/fleet?endpoint=ht!tp://x",
        "s3://avtech/fleet?endpoint=h:8333",
        "s3://avtech/fleet?endpoint=https://key:secret@h",
        "s3://avtech/fleet?region=eu central",
        "s3://av tech/fleet",
        "s3://av%20tech/fleet",
        "https://store.example:notaport/x",
        "https://store.example:99999/x",
        "https://store example/x",
        "http://localhost:1 x/fleet",
    ],
)
@pytest.mark.parametrize("key", ["store", "reportStore"])
def test_an_address_that_no_client_can_be_made_for_is_a_problem_with_its_place(key: str, url: str) -> None:
    variables = {variable(key): url}
    with pytest.raises(ConfigProblemsError) as caught:
        parse(SHORT, **variables)
    (problem,) = caught.value.problems
    assert (problem.key, problem.place.where) == (key, variable(key))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "s3://avtech/fleet",
        "s3://avtech.signage/a b?endpoint=http://127.0.0.1:8333/base&region=auto",
        "s3://avtech?endpoint=http://[::1]:8333",
        "s3://avtech?endpoint=HTTPS://s3.eu-central-1.amazonaws.com/",
        "s3://avtech?endpoint=http://store_1:9000",
        "https://bücher.example:443/x",
    ],
)
def test_an_address_of_a_store_may_be_of_any_of_its_spellings(url: str) -> None:
    assert store_url(url) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:8333/x", "http://localhost/x", "http://[::1]:80/x"])
def test_plain_http_is_for_this_machine(url: str) -> None:
    assert store_url(url) == url


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no configuration"):
        load_config(tmp_path / "player.yaml", {})
    (tmp_path / "player.yaml").write_bytes(b" " * 100_000)
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_config(tmp_path / "player.yaml", {})


def test_the_reference_names_every_key_and_its_variable_and_its_example_is_read() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/player-config.md").read_text()
    for key in KEYS:
        assert f"| `{key}` | `{variable(key)}` |" in page
    example = page.partition("    screen: SCR-EXAMPLE-LOBBY")
    text = example[1] + example[2].partition("\n\n")[0]
    assert parse("\n".join(line[4:] for line in text.splitlines()).encode()).screen == "SCR-EXAMPLE-LOBBY"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_overridden_by_its_variable(key: str) -> None:
    with pytest.raises(ConfigProblemsError, match=variable(key)):
        parse(SHORT, **{variable(key): "[nothing, that, fits]"})


def test_a_broker_is_an_address_or_more_and_nothing_that_gives_a_password_away() -> None:
    wake = parse(SHORT, AVTECH_PLAYER_WAKE="mqtts://broker.example").wake
    assert wake is not None
    assert (wake.host, wake.port, wake.tls, wake.topic) == ("broker.example", 8883, True, "avtech/wake")
    wake = parse(SHORT, AVTECH_PLAYER_WAKE="{url: 'mqtt://[::1]:99', topic: a/b, username: u, passwordFile: p}").wake
    assert wake is not None
    assert (wake.host, wake.port, wake.topic, wake.password_file) == ("::1", 99, "a/b", Path("/etc/avtech/p"))
    assert parse(SHORT, AVTECH_PLAYER_WAKE="'off'").wake is None
    for text in (
        "http://broker",
        "mqtts://user:secret@broker",
        "mqtts://broker/topic",
        "mqtts://broker:99999",
        "{url: 'mqtt://broker', username: u}",
        "{url: 'mqtts://broker', topic: 'a/#'}",
        "{url: 'mqtts://broker', spread: 3}",
        "{url: 'mqtts://broker', spreadSeconds: -1}",
        "{topic: a}",
    ):
        with pytest.raises(ConfigProblemsError, match="wake: "):
            parse(SHORT, AVTECH_PLAYER_WAKE=text)
