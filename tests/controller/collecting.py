"""A world in which releases grow old: publications at chosen times, reports by real device keys, and a collector."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from avtech_controller.compiler import CompiledScreen
from avtech_controller.desired import DesiredState
from avtech_controller.publication import Head, ReleasedScreen
from avtech_controller.retention.collection import Collected, Collector, Policy
from avtech_schema.canonical import sha256_hex
from avtech_schema.envelope import public_key_text, seal
from avtech_schema.identifiers import ByteSize, CommitId, ScreenId, Sha256, VideoId
from avtech_schema.layout import report_key
from avtech_schema.manifest import Asset
from avtech_schema.report import PAYLOAD_TYPE
from avtech_schema.resources import Fleet, Video
from tests.controller.publishing import CLIENT, World, asset, commit, screens
from tests.controller.rollouts import report as healthy

START = datetime.now(UTC)
"""Objects are written now; what grows old is the collector's clock."""
POLICY = Policy(releases=1, days=30)
GRACE = timedelta(hours=24)
SCREEN = ScreenId("SCR-ACME-0001")
VIDEO = VideoId("VID-ACME-A")


def fleet() -> Fleet:
    return Fleet.model_validate({"apiVersion": "avtech/v1", "kind": "Fleet", "metadata": {"name": "x"}, "spec": {}})


def video(data: bytes, *, state: str = "active") -> Video:
    """An entry of the index for a clip; its picture has the same bytes and a bang."""
    spec = {
        "client": CLIENT,
        "sha256": sha256_hex(data),
        "sizeBytes": len(data),
        "durationMs": 5000,
        "media": {
            "container": "mp4",
            "videoCodec": "h264",
            "pixelFormat": "yuv420p",
            "width": 640,
            "height": 360,
            "frameRate": "25/1",
        },
        "originalName": "a.mp4",
        "thumbnail": {"sha256": sha256_hex(data + b"!"), "sizeBytes": len(data) + 1},
        "state": state,
    }
    return Video.model_validate({"apiVersion": "avtech/v1", "kind": "Video", "metadata": {"name": VIDEO}, "spec": spec})


def clip(world: World, data: bytes) -> Asset:
    """A clip in the store."""
    made = asset(data)
    if world.store.size(made.key) is None:
        world.store.create(made.key, data)
    return made


def showing(world: World, data: bytes, count: int = 2) -> dict[ScreenId, CompiledScreen]:
    """Screens whose only clip is this one."""
    return screens(count, assets={VIDEO: clip(world, data)})


@dataclass
class Past:
    """Releases of a world, and the collector of some day later."""

    world: World
    devices: dict[ScreenId, Ed25519PrivateKey] = field(default_factory=dict)
    state: DesiredState = field(default_factory=lambda: DesiredState(fleet()))

    def report(self, screen: ScreenId, digest: str, *, at: datetime = START, key: Ed25519PrivateKey | None = None) -> None:
        """A screen says that it shows a manifest."""
        device = self.devices.setdefault(screen, Ed25519PrivateKey.generate())
        shown = ReleasedScreen(screen, CLIENT, Sha256(digest), ByteSize(1), CommitId("0" * 40), 1)
        report = healthy(shown, at)
        self.put_report(screen, seal(report.payload(), PAYLOAD_TYPE, CryptoSigner(key or device)))

    def put_report(self, screen: ScreenId, data: bytes) -> None:
        """Put some bytes where a screen's report lies."""
        place = report_key(CLIENT, screen)
        etag = self.world.store.etag(place)
        if etag is None:
            self.world.store.create(place, data)
        else:
            self.world.store.replace(place, data, etag=etag)

    def collector(self, days: float = 0, **changes: Any) -> Collector:
        """The collector so many days after the releases."""
        made = Collector(
            store=self.world.store,
            report_store=self.world.store,
            anchor=self.world.anchor,
            state=self.state,
            device_keys={name: public_key_text(key.public_key()) for name, key in self.devices.items()},
            policy=POLICY,
            grace=GRACE,
            check_order=in_order,
            clock=lambda: START + timedelta(days=days),
            progress=lambda step, parts: lambda: None,
        )
        return replace(made, **changes)

    def collect(self, days: float, **changes: Any) -> Collected:
        return self.collector(days, **changes).run()


def in_order(head: Head) -> None:
    """The state is always new enough here."""


def keys(world: World, *prefixes: str) -> set[str]:
    return {
        key for prefix in prefixes or ("content/", "targets/", "metadata/", "thumbnails/") for key in world.store.keys(prefix)
    }


def digests(wanted: Mapping[ScreenId, CompiledScreen]) -> set[str]:
    return {screen.digest for screen in wanted.values()}


def make_past(world: World) -> Past:
    """Two releases: the first shows `old`, the second `new`, which both screens report to show."""
    past = Past(world)
    old, new = showing(world, b"old"), showing(world, b"new")
    world.publish(1, old, now=START)
    world.publish(2, new, now=START)
    for name, screen in new.items():
        past.report(name, screen.digest)
    return past


__all__ = ["GRACE", "POLICY", "SCREEN", "START", "Past", "clip", "commit", "digests", "keys", "make_past", "showing", "video"]
