"""The local API of a running player: what it tells, whom it refuses, and what it survives."""

import json
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.player.material import video_bytes
from tests.player.repository import manifest_of
from tests.player.served import Served, serving, wait_for_api

pytestmark = pytest.mark.media
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as made:
        yield made


def test_it_tells_what_plays_what_should_and_what_is_on_the_disk(served: Served) -> None:
    status = served.get("/v1/status")
    assert (status["screen"], status["state"], status["phase"]) == ("SCR-ACME-0001", "synced", "good")
    now = served.get("/v1/now")
    assert [clip["clip"] for clip in now["onAir"]] == ["VID-RED"]
    assert now["engine"]["kind"] == "simulated"
    assets = served.get("/v1/assets/status")
    assert [(asset["present"], asset["size"]) for asset in assets["assets"]] == [(True, len(video_bytes("red")))]
    assert assets["storage"]["minFreeBytes"] == 16_000_000


def test_it_looks_for_a_release_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as served:
        pass
    monkeypatch.setenv("AVTECH_PLAYER_API", f"127.0.0.1:{served.port}")
    with served.device.running() as process:
        served.process = process
        wait_for_api(served)
        ref = served.repository.publish(manifest_of({"VID-BLUE": served.repository.put_clip(video_bytes("blue"))}))
        status, body = served.ask("POST", "/v1/status/sync")
        assert (status, json.loads(body)) == (202, {"asked": True})
        served.device.reported(lambda report: report.applied == ref)


def test_reconciling_repairs_what_is_missing_or_damaged(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        victim = served.device.state_dir / "assets" / served.repository.put_clip(video_bytes("red")).sha256
        victim.write_bytes(b"rotten")
        status, body = served.ask("POST", "/v1/status/reconcile")
        assert (status, json.loads(body)["asked"]) == (202, True)
        deadline = time.monotonic() + 20
        while victim.read_bytes() != video_bytes("red") if victim.exists() else True:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_cleaning_up_removes_what_nothing_needs_when_asked(served: Served) -> None:
    stray = served.device.state_dir / "assets" / ("0" * 64)
    stray.write_bytes(b"stray")
    status, body = served.ask("POST", "/v1/assets/cleanup", body={"daysOld": 0, "dryRun": True})
    assert (status, [file["name"] for file in json.loads(body)["removed"]]) == (200, ["0" * 64])
    assert stray.exists()
    assert served.ask("POST", "/v1/assets/cleanup", body={"daysOld": 3})[0] == 200
    assert stray.exists()
    cleaned = served.device.command("cleanup", "--config", str(served.device.config), "--days-old", "0", "--output", "json")
    assert cleaned.returncode == 0, cleaned.stderr
    assert json.loads(cleaned.stdout)["bytes"] == 5
    assert not stray.exists()
    assert served.get("/v1/assets/status")["assets"][0]["present"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", {"daysOld": -1}, {"daysOld": "3"}, {"daysOld": True}, {"dryRun": 1}, {"x": 1}]
)
def test_a_wrong_wish_is_refused(served: Served, body: Any) -> None:
    assert served.ask("POST", "/v1/assets/cleanup", body=body)[0] == 400
    assert served.ask("POST", "/v1/assets/cleanup", body={"daysOld": 3, "dryRun": 0})[0] == 400


def test_a_simulated_screen_has_no_picture_and_says_so(served: Served) -> None:
    status, body = served.ask("GET", "/v1/screenshot")
    assert (status, json.loads(body)["title"]) == (503, "Service Unavailable")
    command = served.device.command("screenshot", "--config", str(served.device.config))
    assert (command.returncode, "has no picture" in command.stderr) == (3, True)


def test_the_token_is_needed_and_only_its_owner_can_read_it(served: Served) -> None:
    assert stat.S_IMODE((served.device.state_dir / "api.token").stat().st_mode) == 0o600
    for path in ("/v1/status", "/v1/now", "/v1/assets/status", "/v1/screenshot"):
        assert served.ask("GET", path, token=None)[0] == 401
        assert served.ask("GET", path, token="wrong")[0] == 401
        assert served.ask("GET", path, token=None, Authorization=f"Basic {served.token}")[0] == 401
    for path in ("/v1/status/sync", "/v1/status/reconcile", "/v1/assets/cleanup"):
        assert served.ask("POST", path, token=None)[0] == 401
    for path in ("/healthz", "/metrics", "/openapi.json"):
        assert served.ask("GET", path, token=None)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8081", "127.0.0.1.evil.example", "127.0.0.1:x", "", "[::2]:1", "::1"]
)
def test_a_name_that_somebody_else_owns_is_refused(served: Served, host: str) -> None:
    answer = served.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))


def test_web_pages_are_refused_and_local_names_are_not(served: Served) -> None:
    assert served.ask("POST", "/v1/status/sync", Origin="http://127.0.0.1:9")[0] == 403
    assert served.ask("GET", "/healthz", Sec_Fetch_Site="cross-site")[0] == 403
    for host in ("localhost", f"localhost:{served.port}", "127.0.0.1", "[::1]:80", "LOCALHOST"):
        assert served.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 40_000 + b"\r\n\r\n", 431),
        (b"POST /v1/assets/cleanup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n", 413),
        (b"POST /v1/assets/cleanup HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /v1/assets/cleanup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n" + b"x" * 8192 + b"\r\n", 413),
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 404),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"DELETE /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", 401),
        (b"DELETE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ],
)
def test_what_is_malformed_or_too_large_is_refused_at_once(served: Served, data: bytes, status: int) -> None:
    began = time.monotonic()
    assert served.raw(data).startswith(f"HTTP/1.1 {status} ".encode())
    assert time.monotonic() - began < 5
    served.alive()


def metrics(served: Served) -> str:
    status, body = served.ask("GET", "/metrics", token=None)
    assert status == 200
    return body.decode()


def test_metrics_are_what_prometheus_takes(served: Served) -> None:
    text = metrics(served)
    assert 'avtech_player_state{state="synced"} 1' in text
    assert re.search(r"^avtech_player_applied_release 1$", text, re.MULTILINE)
    assert "avtech_player_info{" in text
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_every_metric_is_documented_and_nothing_else_is(served: Served) -> None:
    told = set(re.findall(r"^# TYPE (\S+)", metrics(served), re.MULTILINE))
    page = (ROOT / "docs/reference/metrics.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_]+)` \| (?:gauge|counter)", page, re.MULTILINE))
    assert told == documented


def test_every_path_is_documented(served: Served) -> None:
    page = (ROOT / "docs/reference/player-api.md").read_text()
    for path, methods in served.get("/openapi.json")["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in page
