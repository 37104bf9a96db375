"""Hypothesis strategies for small desired states that are whole: two clients with screens, groups, playlists and schedules."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

CLIENTS = ("CLI-A", "CLI-B")
PLAYLISTS = ("ads", "day", "house", "late")
LABELS = st.dictionaries(st.sampled_from(["area", "floor"]), st.sampled_from(["1", "shop"]), max_size=2)
_BOUNDS = st.sampled_from([None, "2026-07-01", "2026-07-02T09:30"])


def resource(kind: str, name: str, spec: dict[str, Any], labels: dict[str, str] | None = None) -> dict[str, Any]:
    """One document."""
    metadata = {"name": name, "labels": labels} if labels else {"name": name}
    return {"apiVersion": "avtech/v1", "kind": kind, "metadata": metadata, "spec": spec}


def clips(client: str) -> list[str]:
    return [f"VID-{client[4:]}-{number}" for number in range(3)]


def screens(client: str) -> list[str]:
    return [f"SCR-{client[4:]}-{number}" for number in range(3)]


def _video(client: str, name: str, number: int) -> dict[str, Any]:
    media = {
        "container": "mp4",
        "videoCodec": "h264",
        "pixelFormat": "yuv420p",
        "width": 640,
        "height": 360,
        "frameRate": "25/1",
    }
    digest = f"{number:x}{client[4:].lower()}".rjust(64, "0")
    spec = {"client": client, "sha256": digest, "sizeBytes": 1000 + number, "durationMs": 5000, "media": media}
    return resource("Video", name, {**spec, "originalName": "clip.mp4"})


@st.composite
def _playlist(draw: DrawFn, client: str, name: str) -> dict[str, Any]:
    """Clips, and playlists of earlier names, so that there is no cycle."""
    inner = PLAYLISTS[: PLAYLISTS.index(name)]
    one = st.sampled_from(clips(client)).map(lambda clip: {"clip": clip})
    more = st.sampled_from(inner).map(lambda nested: {"playlist": nested}) if inner else st.nothing()
    items = [
        {**what, "weight": draw(st.integers(1, 3)), **({"validFrom": bound} if (bound := draw(_BOUNDS)) else {})}
        for what in draw(st.lists(one | more, min_size=1, max_size=3))
    ]
    return resource("Playlist", name, {"client": client, "items": items})


@st.composite
def _rule(draw: DrawFn) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        more |= {"from": draw(st.sampled_from(["08:00", "22:00"])), "until": draw(st.sampled_from(["12:00", "02:00", "24:00"]))}
    if draw(st.booleans()):
        more["days"] = draw(st.lists(st.sampled_from(["mon", "sat", "sun"]), min_size=1, max_size=3, unique=True))
    if draw(st.booleans()):
        more |= {"validFrom": "2026-07-01", "except": draw(st.permutations(["2026-12-25", "2026-12-24"]))}
    if draw(st.integers(0, 4)) == 0:
        more |= {"emergency": True, "validUntil": "2026-12-31"}
    return {"play": draw(st.sampled_from(PLAYLISTS)), "priority": draw(st.integers(0, 2)), **more}


@st.composite
def _schedule(draw: DrawFn, client: str, name: str) -> dict[str, Any]:
    chosen = draw(
        st.one_of(
            st.lists(st.sampled_from(screens(client)), min_size=1, max_size=3, unique=True).map(lambda names: {"names": names}),
            st.just({"groups": ["all"]}),
            st.just({"matchLabels": {"area": "shop"}}),
        )
    )
    rules = draw(st.lists(_rule(), min_size=1, max_size=3))
    return resource("Schedule", name, {"client": client, "screens": chosen, "rules": rules})


def _screen(client: str, name: str) -> SearchStrategy[dict[str, Any]]:
    zones = st.sampled_from([{}, {"timeZone": "Asia/Kathmandu"}, {"fallback": "day"}])
    return st.builds(
        lambda own, labels: resource("Screen", name, {"client": client, **own}, {**labels, "area": "shop"}), zones, LABELS
    )


@st.composite
def documents(draw: DrawFn) -> list[dict[str, Any]]:
    """Every resource of a small fleet; names are shared between the two clients where they may be."""
    held = [resource("Fleet", "fleet", {"defaults": {"timeZone": "Asia/Tokyo"}})]
    for client in CLIENTS:
        held.append(resource("Client", client, {"title": client, "fallback": "house"}))
        held.append(resource("Group", "all", {"client": client, "screens": screens(client)[1:], "matchLabels": {"floor": "1"}}))
        held += [_video(client, name, number) for number, name in enumerate(clips(client))]
        held += [draw(_playlist(client, name)) for name in PLAYLISTS]
        held += [draw(_screen(client, name)) for name in screens(client)]
        held += [draw(_schedule(client, name)) for name in draw(st.sampled_from([[], ["one"], ["two", "one", "three"]]))]
    return held
