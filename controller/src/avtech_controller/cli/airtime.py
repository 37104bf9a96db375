"""`avtech airtime`: what is on air on a screen, now, at an instant, or over a stretch of time."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._complete import complete_screens
from avtech_controller.cli._options import commit_option, output_option, repo_option
from avtech_controller.cli._screens import known_screen
from avtech_schema.identifiers import ScreenId

if TYPE_CHECKING:
    from avtech_controller.desired import DesiredState
    from avtech_schema.airtime import Segment, Share
    from avtech_schema.identifiers import VideoId
    from avtech_schema.manifest import Manifest

_OFFSET = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})$")
_WHEN = "now, 2026-12-24T18:00 (the screen's own time), 2026-12-24T17:00Z, 2026-12-24T18:00+01:00 or 2026-12-24"
MAX_DAYS = 400
_YEARS = range(1971, 2200)


@click.command()
@click.argument("screen", metavar="SCR", shell_complete=complete_screens)
@repo_option
@commit_option
@click.option("--at", metavar="T", help=f"The instant, one of: {_WHEN}. Default: now.")
@click.option("--from", "start", metavar="T", help="List what is on air from here on.")
@click.option("--until", "end", metavar="T", help=f"… until here; a day later if missing, at most {MAX_DAYS} days later.")
@output_option
def airtime(
    *, screen: str, repo: Path, commit: str | None, at: str | None, start: str | None, end: str | None, output: str
) -> None:
    """Show which clips are on air on a screen, by which rule, and until when; and whether its panel is on, if it has hours.

    Answers by the same code that players play by. Caps (`maxPlaysPerHour`) depend on what has played and are left out.

    \b
    Examples:
      avtech airtime SCR-ACME-0001
      avtech airtime SCR-ACME-0001 --at 2026-12-24T18:00
      avtech airtime SCR-ACME-0001 --from 2026-12-24 --until 2026-12-26 --commit HEAD~1
      avtech airtime SCR-ACME-0001 --output json
    """
    from avtech_controller.compiler import compile_state
    from avtech_controller.desired import load, open_source, require_state
    from avtech_schema.airtime import airtime as on_air_at
    from avtech_schema.airtime import airtimes

    if at is not None and (start is not None or end is not None):
        raise click.UsageError("--at names one instant; --from and --until a stretch of time")
    if end is not None and start is None:
        raise click.UsageError("--until needs --from")
    state = require_state(load(open_source(repo, commit)))
    name = known_screen(state.screens, screen)
    manifest = compile_state(state, only={name})[name].manifest
    zone, now = manifest.time_zone, datetime.now(UTC).replace(microsecond=0)
    if start is None:
        instant = _instant("now" if at is None else at, zone, now, "--at")
        found = [(instant, on_air_at(manifest, instant))]
    else:
        first = _instant(start, zone, now, "--from")
        last = _instant(end, zone, now, "--until") if end is not None else first + timedelta(days=1)
        _check_stretch(first, last)
        found = airtimes(manifest, first, last)
    if output == "json":
        entries = [segment_json(name, instant, segment) for instant, segment in found]
        click.echo(orjson.dumps(entries[0] if start is None else entries, option=orjson.OPT_INDENT_2).decode())
    else:
        for instant, segment in found:
            click.echo(_text(state, manifest, instant, segment))


def segment_json(screen: ScreenId, instant: datetime, segment: "Segment") -> dict[str, Any]:
    """One segment: `rules` is empty for the fallback, `until` is the next change (UTC), null if there is none."""
    return {
        "screen": screen,
        "at": _utc(instant),
        "rules": [share.rule for share in segment.shares if share.rule],
        "clips": [
            {"clip": entry.clip, "rule": entry.rule, "schedule": entry.schedule, "playlist": entry.playlist}
            for entry in segment.on_air()
        ],
        "until": _utc(segment.until) if segment.until else None,
    }


def _instant(text: str, zone: str, now: datetime, option: str) -> datetime:
    from avtech_schema.airtime import local_instant

    if text == "now":
        return now
    try:
        if "T" in text and _OFFSET.search(text):
            instant = datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
        else:
            instant = local_instant(text, zone)
        if instant.year not in _YEARS:
            raise ValueError("outside the years of the calendar")
        return instant
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text[:60]!r} is not an instant; write {_WHEN}", param_hint=option) from error


def _check_stretch(first: datetime, last: datetime) -> None:
    if last <= first:
        raise click.BadParameter("it is not after --from", param_hint="--until")
    if last - first > timedelta(days=MAX_DAYS):
        raise click.BadParameter(f"it is more than {MAX_DAYS} days after --from", param_hint="--until")


def _clip(state: "DesiredState", share: "Share", clip: "VideoId") -> str:
    spec = state.videos[clip].spec
    turns = [sum(turn.weight for turn in one.turns if turn.clip == clip) for one in share.lineup.lineups()]
    weight = f"  (weight {max(turns)})" if max(turns, default=1) > 1 else ""
    return f"    {clip}  {spec.duration_ms / 1000:.1f} s  {spec.title or spec.original_name}{weight}"


def _text(state: "DesiredState", manifest: "Manifest", instant: datetime, segment: "Segment") -> str:
    zone = manifest.time_zone
    until = f"until {_both(segment.until, zone)}" if segment.until else "with no change to come"
    lines = [f"{manifest.screen}  {_both(instant, zone)}  {until}", *_panel(manifest, instant)]
    for share in segment.shares:
        what = f"rule {share.rule}" if share.rule else "fallback, no rule can play"
        emergency = ", EMERGENCY" if share.emergency else ""
        cap = f", at most {share.max_plays_per_hour} plays an hour" if share.max_plays_per_hour else ""
        weight = f", weight {share.weight}" if len(segment.shares) > 1 else ""
        lines.append(f"  {share.playlist}  ({what}{weight}{cap}{emergency})")
        lines += (_clip(state, share, clip) for clip in share.lineup.clips())
    for reserve in segment.reserves:
        names = ", ".join(f"{share.playlist} ({share.rule or 'fallback'})" for share in reserve)
        lines.append(f"  when capped: {names}")
    if not segment.shares:
        lines.append("  nothing: the screen shows the built-in slate")
    return "\n".join(lines)


def _panel(manifest: "Manifest", instant: datetime) -> list[str]:
    """Whether the panel is on at an instant, for a screen that has power hours."""
    from avtech_schema.airtime import panel

    now = panel(manifest, instant)
    return [f"  panel {'on' if now.on else 'OFF'} until {_both(now.until, manifest.time_zone)}"] if now.until else []


def _both(instant: datetime, zone: str) -> str:
    from avtech_schema.airtime import time_zone

    local = instant.astimezone(time_zone(zone))
    return f"{local:%a %Y-%m-%d %H:%M:%S} {zone} ({_utc(instant)})"


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
