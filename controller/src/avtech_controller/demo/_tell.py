"""Tells the story chapter by chapter: each does something real, waits until it is seen, and states the evidence."""

import hashlib
import secrets
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from avtech_controller.demo import _cast, _clips, _edits, _ending, local_s3
from avtech_controller.demo._programs import program, virtual_display
from avtech_controller.demo._screen import Watcher, signature, watching
from avtech_controller.demo._telling import Telling
from avtech_controller.demo._workspace import Workspace, create
from avtech_controller.demo.story import Fact, Shot
from avtech_controller.stores import open_store
from avtech_schema.identifiers import ClientId, Sha256
from avtech_schema.layout import content_key

SEEN_SECONDS = 40
PROGRAMS = {name: f"sudo apt-get install {name.lower()}" for name in ("git", "ffmpeg", "mpv", "Xvfb")}
"""What the demo cannot do without, and what installs it: better said at the start than in the middle."""
FRESH, SPOILT = "VID-ACME-FRESH", "VID-ACME-SPOILT"


@dataclass(slots=True)
class _Stage:
    """What the chapters share. `looks` are the clips as the watcher recognises them."""

    workspace: Workspace
    watcher: Watcher
    telling: Telling
    screens: list[str]
    facts: list[Fact] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)
    looks: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    lit: float = 0.0
    """When the first clip was seen on the display; black frames count from there."""


def tell_story(directory: Path, *, source: Path, store_kind: str, err: bool = False) -> _ending.Told:
    """Run the demo in `directory` on a `file` or `s3` store, telling it on stdout or stderr; returns what came of it.

    Raises:
        ConfigurationError: a program or the example fleet is missing.
        EnvironmentFailedError: something that the story tells did not happen; the message says what was seen instead.
    """
    for name, package in PROGRAMS.items():
        program(name, package=package)
    telling = Telling(err=err)
    with ExitStack() as stack:
        workspace = create(directory, source=source, env={"AVTECH_KEYS_DIR": str(directory / "keys")})
        store = stack.enter_context(_store(workspace, store_kind, telling))
        workspace.env["AVTECH_STORE"] = store
        display = stack.enter_context(virtual_display(directory / "xvfb.log"))
        screens = _publish_the_first(workspace, telling, store=store, display=display)
        watcher = stack.enter_context(watching(display))
        stage = _Stage(workspace, watcher, telling, screens)
        with _cast.playing(workspace, screens):
            _see_it_play(stage)
            _edit(stage)
            _break_it(stage)
            _heal(stage)
            rows = workspace.avtech_json("status")["screens"]
    return _ending.finish(workspace, telling, rows, facts=stage.facts, shots=stage.shots)


@contextmanager
def _store(workspace: Workspace, kind: str, telling: Telling) -> Generator[str]:
    if kind == "file":
        directory = workspace.root / "store"
        directory.mkdir()
        yield directory.as_uri()
        return
    telling.chapter("0. A real S3 server on this machine")
    telling.command("weed server -s3 …")
    admin = local_s3.Identity("demo", "avtech-demo", secrets.token_hex(16), ("Admin", "Read", "Write", "List"))
    server = local_s3.start(workspace.root / "s3", (admin,))
    try:
        workspace.env.update(admin.environment())
        telling.saw(f"SeaweedFS stores objects at {server.endpoint}")
        yield server.url("demo")
    finally:
        server.stop()


def _publish_the_first(workspace: Workspace, telling: Telling, *, store: str, display: str) -> list[str]:
    telling.chapter("1. A commit of YAML becomes a signed release")
    telling.command("avtech keys init --no-passphrase")
    workspace.avtech("keys", "init", "--no-passphrase")
    telling.saw(
        "three root keys (two sign together), keys for targets, publishing and the heartbeat; trust/ holds the public part"
    )
    telling.command("avtech-player enroll …     for each screen")
    screens = _cast.enrol(workspace, store=store, display=display)
    telling.saw(f"{len(screens)} device keys made, their public halves put into the Screen resources")
    telling.saw(f"commit {workspace.commit('Describe the fleet and enrol its players')}")
    for folder in sorted((workspace.repo / "clips").iterdir()):
        telling.command(f"avtech content add clips/{folder.name}/*.mp4 --client {folder.name}")
        files = [str(file) for file in sorted(folder.glob("*.mp4"))]
        added = workspace.avtech_json("content", "add", *files, "--client", folder.name)["clips"]
        longest = max(clip["duration_ms"] for clip in added) / 1000
        telling.saw(f"{len(added)} clips, every frame decoded, the longest {longest:.2f} s; in the store by their SHA-256")
    telling.command("avtech validate")
    telling.saw(workspace.avtech("validate").last_line())
    telling.command("avtech plan --commit HEAD")
    telling.saw(workspace.avtech("plan", "--commit", "HEAD").last_line())
    telling.command("avtech publish --yes")
    telling.saw(workspace.avtech("publish", "--yes").last_line())
    return screens


def _see_it_play(stage: _Stage) -> None:
    workspace, telling = stage.workspace, stage.telling
    telling.chapter("2. Eight players pull it; one has a real screen")
    began = time.monotonic()
    rows = _cast.await_status(workspace, lambda row: row["state"] == "synced", seconds=SEEN_SECONDS)
    telling.saw(
        f"{len(rows)} of {len(rows)} screens are synced, {time.monotonic() - began:.1f} s after the players were started"
    )
    telling.command(f"avtech airtime {_edits.SCREEN}")
    air = workspace.avtech_json("airtime", _edits.SCREEN)
    names = list(dict.fromkeys(clip["clip"] for clip in air["clips"]))
    telling.saw(f"on air there now: {', '.join(names)}, by {', '.join(air['rules']) or 'the fallback'}")
    stage.looks = {name: signature(_file_of(workspace, name)) for name in names}
    seen, stage.lit = stage.watcher.wait_for(stage.looks, since=began, seconds=SEEN_SECONDS)
    telling.saw(f"the display shows {seen}")
    _shoot(stage, "1-first-release.png", f"{_edits.SCREEN} plays {seen}, one of the clips that the schedule puts on air now.")


def _edit(stage: _Stage) -> None:
    workspace, telling = stage.workspace, stage.telling
    telling.chapter("3. An editor adds a clip and puts it on air")
    clip = workspace.repo / "clips" / _edits.CLIENT / "fresh.mp4"
    _clips.render(clip, title="Fresh", note=f"{FRESH}, rendered {datetime.now():%H.%M.%S}", colour="0x00695c")  # noqa: DTZ005
    stage.looks = {FRESH: signature(clip)}
    telling.command(f"avtech content add clips/{_edits.CLIENT}/fresh.mp4 --client {_edits.CLIENT}")
    telling.saw(workspace.avtech("content", "add", str(clip), "--client", _edits.CLIENT, "--title", "Fresh").last_line())
    _edits.put_on_air(workspace.repo, FRESH, name="fresh", title="Fresh in store", priority=90, now=datetime.now(UTC))
    telling.saw(f"commit {workspace.commit('Put the fresh clip on air at once')}: a playlist and a schedule")
    telling.saw(f"avtech validate: {workspace.avtech('validate').last_line()}")
    telling.command("avtech publish --yes")
    started = time.monotonic()
    telling.saw(workspace.avtech("publish", "--yes").last_line())
    published = time.monotonic()
    _, shown = stage.watcher.wait_for(stage.looks, since=started, seconds=SEEN_SECONDS)
    telling.saw(
        f"the first frame of {FRESH} was on the display {shown - published:.2f} s after `avtech publish` ended, "
        f"{shown - started:.2f} s after it began (players look every {_cast.POLL_SECONDS} s here)"
    )
    black, looked = stage.watcher.black_frames(since=stage.lit)
    telling.saw(f"{black} of the {looked} frames that the display showed since the first clip were black")
    stage.facts += [
        Fact(f"{shown - published:.2f} s", "from the end of publish to the first frame of the new clip"),
        Fact(f"{shown - started:.2f} s", "from the start of publish to that frame"),
    ]
    _cast.await_status(workspace, lambda row: row["state"] == "synced", seconds=SEEN_SECONDS)
    telling.saw("all screens are synced again")
    _shoot(stage, "2-the-edit.png", f"{_edits.SCREEN} after the edit: {FRESH} cut in.")


def _break_it(stage: _Stage) -> None:
    workspace, telling = stage.workspace, stage.telling
    telling.chapter("4. A release that passes its checksums but will not decode")
    clip = workspace.root / "spoilt.mp4"
    _clips.spoil(workspace.repo / "clips" / _edits.CLIENT / "fresh.mp4", clip)
    telling.command(f"avtech content add spoilt.mp4 --client {_edits.CLIENT}")
    refused = workspace.avtech("content", "add", str(clip), "--client", _edits.CLIENT, check=False)
    telling.saw(f"refused, exit {refused.code}: {refused.stderr.strip().splitlines()[0]}")
    telling.saw("so somebody goes around it: uploads the file, and writes the index entry by hand")
    digest = Sha256(hashlib.sha256(clip.read_bytes()).hexdigest())
    with _environment(workspace):
        open_store(workspace.env["AVTECH_STORE"]).upload(content_key(ClientId(_edits.CLIENT), digest), clip)
    _edits.index_by_hand(workspace.repo, like=FRESH, clip=SPOILT, sha256=digest, size=clip.stat().st_size)
    _edits.put_on_air(workspace.repo, SPOILT, name="spoilt", title="Trouble", priority=95, now=datetime.now(UTC))
    telling.saw(f"commit {workspace.commit('Put a clip on air that nobody looked at')}")
    telling.command("avtech publish --yes")
    began = time.monotonic()
    telling.saw(workspace.avtech("publish", "--yes").last_line())
    rows = _cast.await_status(
        workspace,
        lambda row: row["state"] == ("failed" if _edits.on_site(row) else "synced"),
        seconds=SEEN_SECONDS,
    )
    telling.saw(f"{time.monotonic() - began:.1f} s later, `avtech status` says who failed, on which commit, and why:")
    for row in rows:
        if row["state"] == "failed":
            telling.saw(f"{row['screen']} rolled back from {row['desired_commit'][:12]}: {row['reason']}")
    stage.watcher.wait_for(stage.looks, since=time.monotonic(), seconds=SEEN_SECONDS)
    telling.saw(f"{_edits.SCREEN} still plays {FRESH}, the last good content")
    black, looked = stage.watcher.black_frames(since=began)
    telling.saw(f"{black} of the {looked} frames since that publish were black")
    _shoot(stage, "3-rolled-back.png", f"{_edits.SCREEN} after a bad release: it rolled back on its own.")


def _heal(stage: _Stage) -> None:
    workspace, telling = stage.workspace, stage.telling
    telling.chapter("5. git revert")
    telling.command("git revert HEAD && avtech publish --yes")
    workspace.git("revert", "--no-edit", "HEAD")
    began = time.monotonic()
    telling.saw(workspace.avtech("publish", "--yes").last_line())
    rows = _cast.await_status(workspace, lambda row: row["state"] == "synced", seconds=SEEN_SECONDS)
    telling.saw(f"all {len(rows)} screens are synced again {time.monotonic() - began:.1f} s after publish began")
    took = time.monotonic() - stage.began
    stage.facts.append(Fact(f"{took:.0f} s", "the whole story, from the first player to the healed fleet"))
    black, looked = stage.watcher.black_frames(since=stage.lit)
    stage.facts.append(Fact(f"{black} of {looked}", "frames of the display that were black, looking 20 times a second"))


def _file_of(workspace: Workspace, clip: str) -> Path:
    """The example's clip files are named after the clips."""
    stem = clip.removeprefix("VID-ACME-").lower()
    return workspace.repo / "clips" / _edits.CLIENT / f"{stem}.mp4"


def _shoot(stage: _Stage, name: str, caption: str) -> None:
    path = stage.workspace.pictures / name
    stage.watcher.picture(path)
    stage.shots.append(Shot(path.read_bytes(), caption, f"A photograph of the display: {caption}"))
    stage.telling.saw(f"screenshot {path}")


@contextmanager
def _environment(workspace: Workspace) -> Generator[None]:
    """Give our own process the variables that the commands have, for the store's credentials."""
    import os

    before = {name: os.environ.get(name) for name in workspace.env}
    os.environ.update(workspace.env)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
