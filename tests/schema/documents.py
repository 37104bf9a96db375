"""Documents that are whole, to be round-tripped and damaged."""

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from hypothesis import strategies as st

from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ByteSize, CommitId, DurationMs, Sha256, VideoId
from avtech_schema.manifest import Cut, Display, Manifest, Orientation, PowerHours
from avtech_schema.release import ReleaseKind, ReleaseRecord, ScreenChange
from avtech_schema.report import (
    EngineHealth,
    NowPlaying,
    Quarantined,
    ReleaseRef,
    Report,
    Storage,
    SyncCounters,
    SyncState,
    System,
)
from tests.property.airtime_strategies import CLIENT, SCREEN, clip, manifest, nested, rule

T = TypeVar("T")
DIGEST, COMMIT, TIME = Sha256("ab" * 32), CommitId("cd" * 20), "2026-07-01T12:00:00.250Z"
REF = ReleaseRef(7, COMMIT, DIGEST)

REPORT = Report(
    screen=SCREEN,
    sequence=12,
    time=TIME,
    player="0.1.0",
    state=SyncState.FAILED,
    phase="ROLLED_BACK",
    desired=REF,
    applied=REF,
    last_error="ein Fehler: „kaputt“ \u2028 \U0001f642 \x00",
    quarantine=(Quarantined(DIGEST, 7, COMMIT, "will not decode", TIME),),
    counters=SyncCounters(4, 2, 2, 1, DurationMs(800)),
    storage=Storage(ByteSize(2**40), ByteSize(2**30), ByteSize(0)),
    system=System(3600, 1234, 5000, -5000),
    engine=EngineHealth("mpv", "0.35.1", "playing", 0),
    now_playing=NowPlaying(VideoId("VID-A"), DIGEST, None, TIME),
    clock_trusted=True,
)
RECORD = ReleaseRecord(
    ReleaseKind.PUBLISH,
    7,
    COMMIT,
    "avtech 0.1.0",
    "2026.6",
    "ci",
    TIME,
    DIGEST,
    (ScreenChange(SCREEN, CLIENT, COMMIT, None, DIGEST), ScreenChange(SCREEN, CLIENT, COMMIT, DIGEST, None)),
)


def whole_manifest() -> Manifest:
    """A manifest that uses every field."""
    rules = [
        rule("s/1", "all", priority=5, weight=3, from_s=1800, until_s=60, days=(0, 6), excluded=("2026-12-24",), cut=Cut.NOW),
        rule("s/2", "more", valid_from="2026-01-01", rrule="FREQ=MONTHLY;BYDAY=1FR", max_plays_per_hour=4),
        rule("s/3", "all", emergency=True, valid_until="2026-07-01T18:00:00"),
    ]
    lists = {"all": (clip("VID-A", 2, "2026-01-01", "2026-12-31T12:00:00"), nested("more")), "more": (clip("VID-B"),)}
    made = manifest(rules, lists, fallback="more", rights={"VID-C": ("2026-01-01", None)})
    display = Display(1080, 1920, Orientation.PORTRAIT, PowerHours(25_200, 3600, (0, 1)))
    return Manifest(made.screen, made.client, made.time_zone, display, made.rules, made.playlists, made.fallback, made.assets)


ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    2**53 + 1,
    2**63,
    10**30,
    1.0,
    0.5,
    -0.0,
    "",
    "x",
    "x" * 20_000,
    "VID-a",
    "../../etc",
    "2026-02-30",
    [],
    [[]],
    [None],
    {},
    {"x": {}},
    {"": 1},
]
"""Values that stand where others should."""


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A document with one value replaced, removed, doubled under another name, or cut off."""
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(whole) - 1))
        return draw(
            st.sampled_from(
                [whole[:place], whole[:place] + bytes([whole[place] ^ 1 << draw(st.integers(0, 7))]) + whole[place + 1 :]]
            )
        )
    document = orjson.loads(whole)
    spots = list(_spots(document))
    holder, key = draw(st.sampled_from(spots))
    match draw(st.sampled_from(["replace", "replace", "remove", "add"])):
        case "replace":
            holder[key] = draw(st.sampled_from(ODD))
        case "remove":
            del holder[key]
        case _ if isinstance(holder, dict):
            holder[draw(st.sampled_from(["extra", "__proto__", "X"]))] = draw(st.sampled_from(ODD))
        case _:
            holder.append(draw(st.sampled_from(ODD)))
    return orjson.dumps(document, option=orjson.OPT_PASSTHROUGH_SUBCLASS) if _fits(document) else b"{"


def _spots(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _spots(inner)


def _fits(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def attempt(parse: Callable[[bytes], T], data: bytes) -> tuple[T | None, str]:
    """What a parser makes of a document, or its one-line refusal."""
    try:
        return parse(data), ""
    except TrustError as error:
        return None, str(error)
