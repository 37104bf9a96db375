"""A network of one's own: a device and the outside in two network namespaces, with a cable that can be cut and narrowed."""

import ctypes
import os
import secrets
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
DEVICE, OUTSIDE = "10.91.0.1", "10.91.0.2"
_NETWORK = 0x40000000


@dataclass(frozen=True)
class Network:
    """Two namespaces by name: the device's, at `DEVICE`, and the outside's, at `OUTSIDE`."""

    device: str
    outside: str

    def run(self, *command: str) -> None:
        """Run `ip` or `tc` or another command; `device` and `outside` in it stand for the namespaces."""
        names = {"device": self.device, "outside": self.outside}
        subprocess.run([names.get(word, word) for word in command], check=True, capture_output=True, timeout=30)

    def cable(self, state: str) -> None:
        """Pull the device's plug (`down`), or put it in (`up`)."""
        self.run("ip", "-n", "device", "link", "set", "eth0", state)

    def entered(self, resolver: Path) -> list[str]:
        """What goes before a command that is to run on the device, whose `/etc/resolv.conf` is `resolver`."""
        mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ["nsenter", f"--net=/run/netns/{self.device}", "unshare", "-m", "sh", "-c", mount, str(resolver)]


@contextmanager
def two_namespaces() -> Generator[Network]:
    """Make them, or skip the test where that needs privileges that nobody gave."""
    name = f"avt{secrets.token_hex(3)}"
    network = Network(f"{name}d", f"{name}o")
    try:
        try:
            _connect(network)
        except (OSError, subprocess.CalledProcessError) as error:
            why = error.stderr.decode().strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
            pytest.skip(f"network namespaces need privileges and iproute2: {why}")
        yield network
    finally:
        for place in (network.device, network.outside):
            subprocess.run(["ip", "netns", "del", place], check=False, capture_output=True, timeout=30)


def _connect(network: Network) -> None:
    for place in ("device", "outside"):
        network.run("ip", "netns", "add", place)
    network.run("ip", "-n", "device", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", "outside")
    for place, address in (("device", DEVICE), ("outside", OUTSIDE)):
        network.run("ip", "-n", place, "addr", "add", f"{address}/24", "dev", "eth0")
        network.run("ip", "-n", place, "link", "set", "eth0", "up")
    network.run("ip", "-n", "device", "link", "set", "lo", "up")


def inside(namespace: str, work: Callable[[], T]) -> T:
    """Do something in a namespace, in a thread that ends with it; a socket that it makes stays there."""
    found: list[T] = []
    failed: list[BaseException] = []

    def enter() -> None:
        descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NETWORK) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            found.append(work())
        except OSError as error:
            failed.append(error)
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(30)
    if failed:
        raise failed[0]
    return found[0]


@contextmanager
def name_server(network: Network, names: dict[str, str]) -> Generator[list[str]]:
    """A DNS server in the outside that knows some names; yields what it was asked."""
    asked: list[str] = []

    def bind() -> socket.socket:
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind((OUTSIDE, 53))
        return wire

    wire = inside(network.outside, bind)
    wire.settimeout(0.2)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                question, client = wire.recvfrom(4096)
                asked.append(_name(question))
                wire.sendto(_reply(question, names.get(asked[-1])), client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        over.set()
        thread.join(5)
        wire.close()


def _name(question: bytes) -> str:
    labels, at = [], 12
    while (length := question[at]) != 0:
        labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels)


def _reply(question: bytes, address: str | None) -> bytes:
    """An answer with the address, or without any (to a question for IPv6), or that there is no such name."""
    end = question.index(b"\0", 12) + 5
    wants_v4 = question[end - 4 : end - 2] == b"\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + socket.inet_aton(address) if address and wants_v4 else b""
    flags = 0x8180 if address else 0x8183
    return question[:2] + struct.pack(">HHHHH", flags, 1, bool(answer), 0, 0) + question[12:end] + answer
