"""Whole players on a network of their own: no names at boot, links that flap, lose and narrow, and another host that asks."""

import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from avtech_schema.report import ReleaseRef, Report, SyncState
from tests.player.authority import Authority
from tests.player.devices import Device
from tests.player.faults import Wrong, wrong_server
from tests.player.material import video_bytes
from tests.player.namespaces import DEVICE, OUTSIDE, Network, inside, name_server, two_namespaces
from tests.player.repository import Repository, manifest_of

pytestmark = pytest.mark.media
STORE, PORT, API = "store.example", 8443, 8081


def padded(colour: str, size: int) -> bytes:
    """A clip that plays, with so many bytes more in it."""
    return video_bytes(colour) + struct.pack(">I", size + 8) + b"free" + os.urandom(size)


class Street:
    """A device in its namespace, a store behind TLS outside, and the device's resolver, which knows nothing at first."""

    def __init__(self, folder: Path, network: Network, url: str) -> None:
        self.network = network
        self.repository = Repository(folder / "store")
        self.authority = Authority(folder)
        self.resolver = folder / "resolv.conf"
        self.resolver.write_text("")
        self.device = Device(folder / "device", self.repository, url=url)
        self.environment = {
            "SSL_CERT_FILE": str(self.authority.file),
            "AVTECH_PLAYER_REPORT_STORE": self.repository.url,  # What it says is read past the network.
            "AVTECH_PLAYER_API": f"127.0.0.1:{API}",
        }

    def release(self, colour: str, size: int = 0) -> ReleaseRef:
        clip = padded(colour, size) if size else video_bytes(colour)
        return self.repository.publish(manifest_of({f"VID-{colour.upper()}": self.repository.put_clip(clip)}))

    def supplied(self) -> ReleaseRef:
        """The device gets a first release, past the network."""
        ref = self.release("red")
        with self.device.running(environment={"AVTECH_PLAYER_STORE": self.repository.url}):
            self.device.reported(lambda report: report.applied == ref and report.state is SyncState.SYNCED)
        self.device.entered = self.network.entered(self.resolver)
        return ref

    @contextmanager
    def store(self, *names: str) -> Generator[Wrong]:
        listening = inside(self.network.outside, lambda: socket.create_server((OUTSIDE, PORT), backlog=64))
        with wrong_server(self.repository.path, listening=listening, tls=self.authority.server(*names)) as server:
            yield server

    def told(self, process: "subprocess.Popen[bytes]", wanted: Callable[[Report], bool]) -> Report:
        """Wait for a report; the player is woken now and then, for its looks are far apart after failures."""
        deadline, began = time.monotonic() + 60, self.device.report()
        while True:
            assert process.poll() is None, (self.device.folder / "log").read_text()
            try:
                return self.device.reported(wanted, within=1.0)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                if self.device.report() != began:  # It runs, and will not die of it.
                    process.send_signal(signal.SIGUSR1)


@pytest.fixture
def network() -> Iterator[Network]:
    with two_namespaces() as network:
        yield network


def test_without_dns_at_boot_it_plays_says_so_and_finds_the_store_when_names_are_back(tmp_path: Path, network: Network) -> None:
    street = Street(tmp_path, network, f"https://{STORE}:{PORT}")
    first = street.supplied()
    second = street.release("blue")
    before = street.device.report()
    assert before is not None
    with street.store(STORE) as server, street.device.running(environment=street.environment) as process:
        report = street.told(process, lambda report: report.sequence > before.sequence and report.last_error is not None)
        assert "the name of its host is not known" in (report.last_error or "")
        report = street.told(process, lambda report: report.sequence > before.sequence and report.now_playing is not None)
        assert (report.state, report.applied) == (SyncState.ERROR, first)
        assert server.requests == []
        street.resolver.write_text(f"nameserver {OUTSIDE}\noptions timeout:1 attempts:1\n")
        with name_server(network, {STORE: OUTSIDE}) as asked:
            street.told(process, lambda report: report.applied == second and report.state is SyncState.SYNCED)
            assert STORE in asked
        cannot_be_asked_from_outside(network)
    assert "Traceback" not in (street.device.folder / "log").read_text()


def cannot_be_asked_from_outside(network: Network) -> None:
    """Attack: the local API from another host, even from one that the kernel lets speak to 127.0.0.1."""
    health = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{API}\r\n\r\n".encode()

    def ask(address: str) -> bytes:
        with socket.create_connection((address, API), timeout=1.5) as wire:
            wire.sendall(health)
            return wire.recv(4096)

    assert inside(network.device, lambda: ask("127.0.0.1")).startswith(b"HTTP/1.1 200")
    with pytest.raises(ConnectionRefusedError):
        inside(network.outside, lambda: ask(DEVICE))
    for place in ("device", "outside"):
        network.run("ip", "netns", "exec", place, "sysctl", "-q", "-w", "net.ipv4.conf.eth0.route_localnet=1")
    network.run("ip", "-n", "outside", "route", "add", "127.0.0.1/32", "via", DEVICE, "src", OUTSIDE)
    try:
        answer = inside(network.outside, lambda: ask("127.0.0.1"))
    except OSError:
        answer = b""
    assert answer == b""


def fetched(street: Street) -> int:
    folder = street.device.state_dir / "partial"
    return sum(path.stat().st_size for path in folder.iterdir() if path.exists())


def test_links_that_narrow_flap_and_lose_delay_a_release_and_nothing_else(tmp_path: Path, network: Network) -> None:
    street = Street(tmp_path, network, f"https://{OUTSIDE}:{PORT}")
    street.supplied()
    before = street.device.report()
    assert before is not None
    with street.store(OUTSIDE), street.device.running(environment=street.environment) as process:
        street.told(process, lambda report: report.sequence > before.sequence and report.state is SyncState.SYNCED)
        narrow = ["tbf", "rate", "6mbit", "burst", "32kb", "latency", "100ms"]
        network.run("tc", "-n", "outside", "qdisc", "add", "dev", "eth0", "root", *narrow)
        second = street.release("blue", 2_500_000)
        deadline = time.monotonic() + 40
        while fetched(street) < 300_000:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for _ in range(2):
            network.cable("down")
            time.sleep(0.4)
            network.cable("up")
            time.sleep(0.2)
        street.told(process, lambda report: report.applied == second and report.state is SyncState.SYNCED)
        network.run("tc", "-n", "outside", "qdisc", "del", "dev", "eth0", "root")

        lossy = lose_some(network)
        third = street.release("green", 100_000)
        street.told(process, lambda report: report.applied == third and report.state is SyncState.SYNCED)
        assert process.poll() is None
    assert "Traceback" not in (street.device.folder / "log").read_text()
    if not lossy:
        pytest.skip("a tenth of the packets was not lost: iptables is missing (Debian: iptables)")


def lose_some(network: Network) -> bool:
    """Lose every tenth packet in each direction, where iptables is there."""
    try:
        for chain in ("INPUT", "OUTPUT"):
            rule = ["-A", chain, "-i" if chain == "INPUT" else "-o", "eth0", "-m", "statistic", "--mode", "random"]
            network.run("ip", "netns", "exec", "device", "iptables", *rule, "--probability", "0.1", "-j", "DROP")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
