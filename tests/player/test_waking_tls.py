"""Being woken over TLS: by a broker that a private authority vouches for, and by none that it does not."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from avtech_player._wake_settings import Wake
from avtech_player.waking import try_broker
from avtech_schema.errors import AvtechError, EnvironmentFailedError
from tests.player.authority import Authority
from tests.player.broker import broker, free_port, needs_broker, publish
from tests.player.devices import Device
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of

pytestmark = needs_broker


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def tried(port: int, ca_file: Path | None, *, host: str = "localhost") -> None:
    try_broker(Wake(host, port, tls=True, ca_file=ca_file), "test", {}, within=20)


def other(folder: Path) -> Path:
    (folder / "other").mkdir()
    return Authority(folder / "other").file


def test_a_broker_is_believed_by_its_authority_alone(tmp_path: Path, authority: Authority) -> None:
    port = free_port()
    with broker(tmp_path, port, certificate=authority.issue("localhost")):
        tried(port, authority.file)
        with pytest.raises(
            EnvironmentFailedError, match="its certificate does not hold: certificate signature failure"
        ) as wrong:
            tried(port, other(tmp_path))
        assert "wake.caFile" in wrong.value.hint
        with pytest.raises(EnvironmentFailedError, match="certificate does not hold: unable to get local issuer"):
            tried(port, None)
        with pytest.raises(EnvironmentFailedError, match=r"certificate does not hold: IP address mismatch.*127\.0\.0\.1"):
            tried(port, authority.file, host="127.0.0.1")


BAD: list[tuple[Callable[[Authority], Path], str]] = [
    (lambda authority: authority.issue("localhost", begins=-30, ends=-1), "certificate has expired"),
    (lambda authority: authority.issue("localhost", self_signed=True), "self-signed certificate"),
    (lambda authority: authority.issue("broker.example"), "Hostname mismatch, certificate is not valid for 'localhost'"),
]


@pytest.mark.parametrize(("certificate", "told"), BAD, ids=["expired", "self-signed", "another's"])
def test_a_certificate_that_does_not_hold_is_told_for_what_it_is(
    tmp_path: Path, authority: Authority, certificate: Callable[[Authority], Path], told: str
) -> None:
    port = free_port()
    with (
        broker(tmp_path, port, certificate=certificate(authority)),
        pytest.raises(EnvironmentFailedError, match=f"its certificate does not hold: {told}"),
    ):
        tried(port, authority.file)


def test_who_vouches_must_be_there_and_a_broker_must_let_us_in(tmp_path: Path, authority: Authority) -> None:
    port = free_port()
    with broker(tmp_path, port, certificate=authority.issue("localhost"), lets_in=False):
        with pytest.raises(AvtechError, match="it refuses the connection: Not authorized"):
            tried(port, authority.file)
        with pytest.raises(AvtechError, match=r"nobody\.pem cannot be read: No such file"):
            tried(port, tmp_path / "nobody.pem")
        (tmp_path / "empty.pem").write_bytes(b"")
        with pytest.raises(AvtechError, match=r"empty\.pem holds no certificate"):
            tried(port, tmp_path / "empty.pem")


@pytest.mark.media
@pytest.mark.parametrize("believed", [True, False])
def test_a_player_is_woken_over_tls_or_polls_as_ever_and_says_why(tmp_path: Path, authority: Authority, believed: bool) -> None:
    """Where it believes the broker it looks once an hour by itself, else every second."""
    repository = Repository(tmp_path / "store")
    first = repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    device, port = Device(tmp_path / "device", repository), free_port()
    wake = {"url": f"mqtts://localhost:{port}", "caFile": str(authority.file if believed else other(tmp_path))}
    settings = {"AVTECH_PLAYER_POLL_SECONDS": "3600" if believed else "1", "AVTECH_PLAYER_WAKE": json.dumps(wake)}
    log = device.folder / "log"

    def told(text: str) -> None:
        deadline = time.monotonic() + 40
        while text not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    with broker(tmp_path, port, certificate=authority.issue("localhost")), device.running(environment=settings) as process:
        device.reported(lambda report: report.applied == first and report.now_playing is not None, within=40)
        told(
            "listening to avtech/wake at localhost" if believed else "no wake-up from localhost: its certificate does not hold"
        )
        second = repository.publish(manifest_of({"VID-BLUE": repository.put_clip(video_bytes("blue"))}))
        if believed:
            publish(port, authority=authority.file)
        device.reported(lambda report: report.applied == second, within=40)
        report = device.reported(lambda one: one.now_playing is not None and one.now_playing.clip == "VID-BLUE")
        assert report.last_error is None
        assert process.poll() is None
    assert "Traceback" not in log.read_text()
