"""A running player with its local API, asked from outside as anybody on the device could."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from avtech_schema.report import SyncState
from tests.player.devices import Device
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Served:
    """A running player with its API."""

    device: Device
    repository: Repository
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return (self.device.state_dir / "api.token").read_text().strip()

    def ask(self, method: str, path: str, *, token: str | None = "", body: Any = None, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path, method=method)
        if token is not None:
            request.add_header("Authorization", f"Bearer {token or self.token}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if body is not None:
            request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def get(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def raw(self, data: bytes, *, within: float = 15.0) -> bytes:
        """Everything that is answered to some bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=within) as connection:
            connection.sendall(data)
            answer = b""
            try:
                while part := connection.recv(65536):
                    answer += part
            except ConnectionResetError:
                pass
            return answer

    def alive(self) -> None:
        assert self.process.poll() is None
        assert self.ask("GET", "/healthz", token=None)[0] == 200


@contextmanager
def serving(folder: Path) -> Generator[Served]:
    patch = pytest.MonkeyPatch()
    port = free_port()
    patch.setenv("AVTECH_PLAYER_API", f"127.0.0.1:{port}")
    try:
        repository = Repository(folder / "store")
        device = Device(folder / "device", repository)
        ref = repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
        with device.running() as process:
            device.reported(lambda report: report.applied == ref and report.state is SyncState.SYNCED)
            served = Served(device, repository, port, process)
            wait_for_api(served)  # It listens some time after the player began to play.
            yield served
        assert "Traceback" not in (device.folder / "log").read_text()
        assert "a bug" not in (device.folder / "log").read_text()
    finally:
        patch.undo()


def wait_for_api(served: Served) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            served.alive()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError((served.device.folder / "log").read_text())
