"""`avtech rollout`: see where a release stands on its way through the waves, move it on, stop it, take it back."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._options import keys_dir_option, output_option, repo_option, report_store_option, store_option

if TYPE_CHECKING:
    from avtech_controller.cli._rollout import Desk
    from avtech_controller.publication import Amendment, Publisher
    from avtech_controller.rollout import Standing, Ticked, Watch

HALTED = 7
"""The exit code that tells of a rollout that found a fault."""

patch_option = click.option(
    "--patch",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Where the revert commit's patch goes; by default rollout-N-revert.patch in the current directory.",
)
"""Passes `patch: Path | None`."""


@click.group()
def rollout() -> None:
    """See and move a release on its way through the waves of spec.rollout."""


@rollout.command()
@repo_option
@store_option
@report_store_option()
@output_option
def status(*, repo: Path, store: str | None, report_store: str | None, output: str) -> int:
    """Show where the rollout stands, what its screens say, what each wave detects, and what a tick would do now.

    Ends with 7 when the rollout was halted or would be. Writes nothing and needs no key.

    \b
    Examples:
      avtech rollout status
      avtech rollout status --output json
    """
    from avtech_controller.cli._rollout_text import look_json, look_text

    desk = _desk(repo, store, report_store)
    head = desk.head()
    look = desk.watch(head.released.commit).look(head)
    if look is None:
        _echo(
            {"format_version": 1, "release": head.released.sequence, "rollout": None},
            f"release {head.released.sequence} is not part of a rollout",
            output,
        )
        return 0
    _echo({"format_version": 1, "release": head.released.sequence, **look_json(look)}, look_text(look), output)
    return HALTED if _is_faulty(look.standing, look.decision.action.value) else 0


@rollout.command()
@repo_option
@store_option
@report_store_option()
@keys_dir_option()
@patch_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing; needs no key.")
@output_option
def tick(
    *,
    repo: Path,
    store: str | None,
    report_store: str | None,
    keys_dir: Path | None,
    patch: Path | None,
    dry_run: bool,
    output: str,
) -> int:
    """Look at the rollout and do what is due: begin the next wave, complete it, or halt it.

    Run it from a scheduled job, every few minutes. It is safe to run twice, late, at the same time, or never: players keep
    what they have. A halt takes screens back to what was good (spec.rollout.onHalt), writes the patch of the commit that
    reverts the release, and ends with 7; so does every tick after it, which writes the patch again where it is missing.

    \b
    Examples:
      avtech rollout tick
      avtech rollout tick --dry-run
      avtech rollout tick --patch revert.patch && echo well
    """
    desk = _desk(repo, store, report_store)
    if dry_run:
        return _dry_run(desk, output)
    publisher = desk.publisher(keys_dir)
    done, file = run_tick(desk, publisher, desk.watch(desk.head().released.commit), patch)
    _echo(ticked_json(done, file), ticked_text(done, file), output)
    return HALTED if done.standing and _is_faulty(done.standing) else 0


@rollout.command()
@repo_option
@store_option
@keys_dir_option()
@click.option("--reason", default="", metavar="TEXT", help="Why, for whoever looks at it later.")
@output_option
def pause(*, repo: Path, store: str | None, keys_dir: Path | None, reason: str, output: str) -> None:
    """Let the rollout wait: no further wave begins until it is resumed. A fault halts it all the same.

    \b
    Examples:
      avtech rollout pause --reason "the trade fair, until Monday"
    """
    from avtech_controller.rollout import pause as pause_step

    desk = _desk(repo, store)
    done = desk.amend(keys_dir, lambda head: pause_step(desk.standing(head), reason))
    _tell(done, "paused", "was paused already", output)


@rollout.command()
@repo_option
@store_option
@keys_dir_option()
@output_option
def resume(*, repo: Path, store: str | None, keys_dir: Path | None, output: str) -> None:
    """Let a paused rollout go on from where it is.

    \b
    Examples:
      avtech rollout resume
    """
    from avtech_controller.rollout import resume as resume_step

    desk = _desk(repo, store)
    done = desk.amend(keys_dir, lambda head: resume_step(desk.standing(head)))
    _tell(done, "goes on", "was not paused", output)


@rollout.command()
@repo_option
@store_option
@keys_dir_option()
@click.option("--yes", "-y", is_flag=True, help="Do it without asking.")
@output_option
def advance(*, repo: Path, store: str | None, keys_dir: Path | None, yes: bool, output: str) -> None:
    """Begin the next wave now, without waiting for reports or for the soak: for screens that nobody hears of.

    \b
    Examples:
      avtech rollout advance --yes
    """
    from avtech_controller.cli._rollout import now
    from avtech_controller.rollout import advance as advance_step
    from avtech_schema.errors import ConfigurationError
    from avtech_schema.rollout import RolloutState

    desk = _desk(repo, store)
    found = desk.standing(desk.head())
    if not yes and not sys.stdin.isatty():
        raise ConfigurationError("nobody is there to ask", hint="give --yes to begin the next wave without asking")
    if not yes:
        click.confirm(f"Begin wave {found.wave + 1} of {found.waves} on trust?", abort=True, err=True)

    def step(head: Any) -> Any:
        standing = desk.standing(head)
        if standing.note.state is not RolloutState.RUNNING:
            hint = "avtech rollout resume" if standing.is_open else ""
            raise ConfigurationError(f"rollout {standing.begun.sequence} is {standing.note.state}", hint=hint)
        if standing.begun != found.begun or standing.wave != found.wave:
            return None
        return advance_step(standing, now())

    _tell(desk.amend(keys_dir, step), "goes on to the next wave", "moved meanwhile", output)


@rollout.command()
@repo_option
@store_option
@keys_dir_option()
@patch_option
@click.option("--reason", default="", metavar="TEXT", help="Why, for whoever looks at it later.")
@output_option
def abort(*, repo: Path, store: str | None, keys_dir: Path | None, patch: Path | None, reason: str, output: str) -> None:
    """End the rollout: screens that have the release go back to what was good, and a revert's patch is written.

    The released commit stays the head, so that the revert, which descends from it, can be published. Of a rollout that had
    ended already, the patch is written again where it is missing.

    \b
    Examples:
      avtech rollout abort --reason "wrong prices"
      git am rollout-12-revert.patch && git push
    """
    from avtech_controller.rollout import abort as abort_step

    desk = _desk(repo, store)
    done = desk.amend(keys_dir, lambda head: abort_step(desk.standing(head), reason))
    standing = desk.standing(desk.head())
    file = desk.write_patch(standing, patch) if done.step else desk.offer_patch(standing, patch)
    _tell(done, "was ended, and its screens go back", "had ended already", output, patch=file)


def run_tick(desk: "Desk", publisher: "Publisher", watch: "Watch", patch: Path | None) -> "tuple[Ticked, Path | None]":
    """Tick once; returns what was done, and the patch if the rollout was halted, now or before."""
    import os

    from avtech_controller.cli._publication import publisher_name
    from avtech_controller.provenance import builder_of
    from avtech_controller.rollout import Action
    from avtech_controller.rollout import tick as tick_once
    from avtech_schema.rollout import RolloutState

    done = tick_once(watch, publisher, name=publisher_name(os.environ), builder=builder_of(os.environ))
    if done.standing is None or done.standing.note.state is not RolloutState.HALTED:
        return done, None
    halted_now = done.acted is Action.HALT
    return done, desk.write_patch(done.standing, patch) if halted_now else desk.offer_patch(done.standing, patch)


def ticked_text(done: "Ticked", patch: Path | None) -> str:
    """What a tick did, in a line or more."""
    from avtech_controller.cli._rollout_text import next_text
    from avtech_controller.planning import count_text
    from avtech_controller.rollout import Action

    if done.look is None or done.standing is None:
        return f"release {done.sequence} is not part of a rollout; nothing to do"
    standing, decision = done.standing, done.look.decision
    name = f"rollout {standing.begun.sequence} of {standing.commit[:12]}"
    match done.acted:
        case Action.ADVANCE:
            count = count_text(len(standing.in_wave(standing.wave)), "screen")
            return f"{name}: wave {standing.wave} of {standing.waves} begins on {count} (release {done.sequence})"
        case Action.COMPLETE:
            return f"{name}: complete (release {done.sequence})"
        case Action.HALT:
            back = "the screens that had it go back" if not standing.touched else "the screens that have it keep it"
            told = [f"{name}: halted, {back} (release {done.sequence}): {decision.reason}"]
            return "\n".join([*told, *_revert_text(patch)])
        case Action.HOLD | Action.NONE:
            wave = "" if decision.action is Action.NONE else f"wave {standing.wave} of {standing.waves} "
            return "\n".join([f"{name}: {wave}{next_text(standing, decision)}", *_revert_text(patch)])


def _revert_text(patch: Path | None) -> list[str]:
    return [f"the revert: git am {patch}"] if patch else []


def ticked_json(done: "Ticked", patch: Path | None) -> dict[str, Any]:
    """What a tick did, for machines."""
    from avtech_controller.cli._rollout_text import look_json

    return {
        "format_version": 1,
        "acted": done.acted.value,
        "release": done.sequence,
        "state": done.standing.note.state.value if done.standing else None,
        "wave": done.standing.wave if done.standing else None,
        "patch": str(patch) if patch else None,
        "looked": look_json(done.look) if done.look else None,
    }


def _desk(repo: Path, store: str | None, report_store: str | None = None) -> "Desk":
    from avtech_controller.cli._rollout import Desk

    return Desk.open(repo, store, report_store)


def _dry_run(desk: "Desk", output: str) -> int:
    from avtech_controller.cli._rollout_text import look_json, next_text

    head = desk.head()
    look = desk.watch(head.released.commit).look(head)
    if look is None:
        _echo({"format_version": 1, "looked": None}, f"release {head.released.sequence} is not part of a rollout", output)
        return 0
    text = f"rollout {look.standing.begun.sequence}: {next_text(look.standing, look.decision)}"
    _echo({"format_version": 1, "acted": None, "release": head.released.sequence, "looked": look_json(look)}, text, output)
    return HALTED if _is_faulty(look.standing, look.decision.action.value) else 0


def _is_faulty(standing: "Standing", action: str = "") -> bool:
    from avtech_schema.rollout import RolloutState

    return standing.note.state is RolloutState.HALTED or action == "halt"


def _tell(done: "Amendment", did: str, had: str, output: str, *, patch: Path | None = None) -> None:
    note = done.record.rollout
    begun = note.begun.sequence if note and note.begun else done.released.sequence
    value = {
        "format_version": 1,
        "rollout": begun,
        "release": done.released.sequence,
        "state": note.state.value if note else None,
        "changed": done.step is not None,
        "screens": len(done.step.screens) if done.step else 0,
        "patch": str(patch) if patch else None,
    }
    text = f"rollout {begun} {did if done.step else had} (release {done.released.sequence})"
    _echo(value, "\n".join([text, *_revert_text(patch)]), output)


def _echo(value: dict[str, Any], text: str, output: str) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if output == "json" else text)
