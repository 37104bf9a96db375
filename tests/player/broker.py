"""A real MQTT broker (mosquitto) on this machine, in the clear or behind TLS."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

TOPIC = "avtech/wake"
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def broker(folder: Path, port: int, *, certificate: Path | None = None, lets_in: bool = True) -> Generator[None]:
    """A broker on a port; with a certificate (and its key, in one file) it speaks TLS."""
    lines = [f"listener {port} 127.0.0.1", f"allow_anonymous {'true' if lets_in else 'false'}"]
    if certificate:
        lines += [f"certfile {certificate}", f"keyfile {certificate}"]
    if os.getuid() == 0:
        lines.append("user root")  # Else it could not read the files of a test.
    config = folder / f"mosquitto-{port}.conf"
    config.write_text("\n".join(lines) + "\n")
    process = subprocess.Popen([str(MOSQUITTO), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not answers(port):
            assert time.monotonic() < deadline
            assert process.poll() is None, "the broker does not start"
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def publish(port: int, *, times: int = 1, retain: bool = False, authority: Path | None = None) -> None:
    """Say to everybody that there may be something new."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2)
    if authority:
        client.tls_set(str(authority))
    client.connect("localhost" if authority else "127.0.0.1", port)
    client.loop_start()
    try:
        for _ in range(times):
            client.publish(TOPIC, b"x" * 100, qos=1, retain=retain).wait_for_publish(20)
    finally:
        client.disconnect()
        client.loop_stop()
