"""What the player knows about itself: one frozen value, and the pure transitions of DESIGN section 5."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.errors import TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import DurationMs, commit_id, sha256
from avtech_schema.report import Quarantined, ReleaseRef, SyncCounters, SyncState

MAX_STATE_BYTES = 256_000
MAX_TRIALS = 3
"""A candidate whose trial crashed the player this often has failed."""
MAX_QUARANTINE = 32
MAX_REASON = 500
DOUBTFUL_STARTS = 5
"""After this many starts in a row that brought no picture, the previous release plays; after twice as many, all take turns."""
MAX_BOOT = 64


class Phase(StrEnum):
    """Where the player is on the way from a release to the screen."""

    IDLE = "idle"
    """No release was ever heard of."""
    VERIFIED = "verified"
    """A release was verified; nothing of it is fetched yet."""
    FETCHING = "fetching"
    """Its manifest and clips are being fetched."""
    STAGED = "staged"
    """It lies complete, verified and flushed on the disk."""
    TRIAL = "trial"
    """It is (or was, when the player died) on trial on the screen."""
    GOOD = "good"
    """It plays."""
    ROLLED_BACK = "rolled-back"
    """It failed and is quarantined; the last good one plays."""
    SAFE = "safe"
    """It failed and there is no good one: the built-in slate shows."""


_UNDER_WAY = (Phase.VERIFIED, Phase.FETCHING, Phase.STAGED, Phase.TRIAL)


class StateCorruptError(TrustError):
    """The state on the disk is not what was written there."""


@dataclass(frozen=True, slots=True)
class PlayerState:
    """What survives. `candidate` is the release on its way; `attempts` counts the trials of it that were begun.

    `starts` counts the starts in a row that died before anything was on screen, `boot` names the run of the kernel of the
    last one; `rebuilds` tells how often a corrupt state was set aside.
    """

    phase: Phase = Phase.IDLE
    good: ReleaseRef | None = None
    previous: ReleaseRef | None = None
    candidate: ReleaseRef | None = None
    attempts: int = 0
    desired: ReleaseRef | None = None
    quarantine: tuple[Quarantined, ...] = ()
    counters: SyncCounters = SyncCounters()
    report_sequence: int = 0
    starts: int = 0
    rebuilds: int = 0
    boot: str = ""

    def quarantined(self, ref: ReleaseRef) -> Quarantined | None:
        """Why a release must not be tried: its manifest failed, and no later record asks for it again."""
        return next((q for q in self.quarantine if q.digest == ref.digest and ref.sequence <= q.sequence), None)


Transition = Callable[[PlayerState], PlayerState]


class Opening(StrEnum):
    """What a start shows first."""

    GOOD = "good"
    PREVIOUS = "previous"
    SLATE = "slate"


def desires(state: PlayerState, ref: ReleaseRef | None) -> PlayerState:
    """A verified release says what this screen is meant to show; None says that it says nothing of this screen.

    What plays already, and what is quarantined, needs no work. Anything else becomes the candidate; a candidate that is
    the same manifest keeps its progress.
    """
    state = replace(state, desired=ref)
    if ref is None:
        return state
    if state.good is not None and state.good.digest == ref.digest:
        return replace(state, good=ref, candidate=None, attempts=0, phase=Phase.GOOD)
    if state.quarantined(ref) is not None:
        return _without_candidate(state)
    if state.candidate is not None and state.candidate.digest == ref.digest:
        return replace(state, candidate=ref)
    counters = replace(state.counters, attempts=state.counters.attempts + 1)
    return replace(state, candidate=ref, attempts=0, phase=Phase.VERIFIED, counters=counters)


def fetching(state: PlayerState) -> PlayerState:
    """The candidate's manifest and clips are about to be fetched."""
    return replace(state, phase=Phase.FETCHING)


def staged(state: PlayerState) -> PlayerState:
    """The candidate lies complete, verified and flushed on the disk."""
    return replace(state, phase=Phase.STAGED)


def trial_begins(state: PlayerState) -> PlayerState:
    """A trial of the candidate is about to begin; persisted first, so that one that kills the player is counted."""
    return replace(state, phase=Phase.TRIAL, attempts=state.attempts + 1)


def trial_interrupted(state: PlayerState) -> PlayerState:
    """The player was asked to stop during a trial; that speaks neither for nor against the candidate."""
    return replace(state, phase=Phase.STAGED, attempts=max(0, state.attempts - 1))


def trial_passed(state: PlayerState, *, took: DurationMs) -> PlayerState:
    """The candidate is good; `took` is the time since it was verified."""
    counters = state.counters
    successes = counters.successes + 1
    mean = counters.mean_time + (took - counters.mean_time) // successes
    return replace(
        state,
        phase=Phase.GOOD,
        good=state.candidate,
        previous=state.good,
        candidate=None,
        attempts=0,
        starts=0,
        quarantine=tuple(q for q in state.quarantine if state.candidate is None or q.digest != state.candidate.digest),
        counters=replace(counters, successes=successes, consecutive_failures=0, mean_time=DurationMs(mean)),
    )


def candidate_failed(state: PlayerState, *, reason: str, time: str) -> PlayerState:
    """The candidate is bad: it is quarantined, and the good release, or without one the slate, shows."""
    if state.candidate is None:
        return state
    ref = state.candidate
    entry = Quarantined(ref.digest, ref.sequence, ref.commit, reason[:MAX_REASON], time)
    kept = tuple(q for q in state.quarantine if q.digest != ref.digest)
    state = replace(state, quarantine=(*kept, entry)[-MAX_QUARANTINE:])
    return attempt_failed(_without_candidate(state))


def attempt_failed(state: PlayerState) -> PlayerState:
    """An attempt to reach the desired release failed; whether it is tried again is another question."""
    counters = state.counters
    counters = replace(counters, failures=counters.failures + 1, consecutive_failures=counters.consecutive_failures + 1)
    return replace(state, counters=counters)


def started(state: PlayerState, *, time: str, boot: str = "") -> PlayerState:
    """The player starts: a trial under way was cut short by a crash, and the third such crash is a failure.

    A start after a reboot never takes the slate's turn: power that comes and goes is no release's doing.
    """
    rebooted = boot != state.boot
    state = replace(state, starts=state.starts + 1, boot=boot[:MAX_BOOT])
    if rebooted and _is_slates_turn(state):
        state = replace(state, starts=state.starts + 1)
    if state.phase is not Phase.TRIAL:
        return state
    if state.attempts >= MAX_TRIALS:
        return candidate_failed(state, reason=f"the player died in {state.attempts} trials of it", time=time)
    return replace(state, phase=Phase.STAGED)


def settled(state: PlayerState) -> PlayerState:
    """What this start showed first came on screen, or the player lives on without.

    The good release is beyond doubt then. After the previous one, the next start gives the good one another chance; after
    the slate, it is the previous one's turn, or without one the good one's.
    """
    match opening(state):
        case Opening.PREVIOUS:
            starts = DOUBTFUL_STARTS - 1
        case Opening.SLATE if state.good is not None:
            starts = DOUBTFUL_STARTS + 1 if state.previous is not None else DOUBTFUL_STARTS
        case _:
            starts = 0
    return replace(state, starts=starts)


def stopped(state: PlayerState) -> PlayerState:
    """The player was asked to stop before anything came on screen; that says nothing of what it was about to show."""
    return replace(state, starts=max(0, state.starts - 1))


def opening(state: PlayerState) -> Opening:
    """What this start shows first: the good release, unless start after start died before it was on screen.

    Then it is the previous one, and when that does not help, slate, good and previous take turns: the slate only until the
    store was asked, so that a player that its releases kill can get another, and one that is killed from outside shows one.
    """
    if state.good is None:
        return Opening.SLATE
    if _is_slates_turn(state):
        return Opening.SLATE
    doubted = state.starts - 2 * DOUBTFUL_STARTS
    if state.previous is not None and (-DOUBTFUL_STARTS < doubted <= 0 or (doubted > 0 and doubted % 3 == 0)):
        return Opening.PREVIOUS
    return Opening.GOOD


def _is_slates_turn(state: PlayerState) -> bool:
    doubted = state.starts - 2 * DOUBTFUL_STARTS
    return doubted > 0 and doubted % 3 == 1


def doubt(state: PlayerState) -> str | None:
    """What to say when a start shows something else than the good release."""
    shown = opening(state)
    if state.good is None or shown is Opening.GOOD:
        return None
    what = "slate shows" if shown is Opening.SLATE else "previous release plays"
    return f"start after start died before anything was on screen: the {what}"


def good_lost(state: PlayerState) -> PlayerState:
    """The good generation is damaged on the disk: the previous one is good now, and the lost one is wanted again."""
    phase = state.phase if state.candidate is not None else (Phase.ROLLED_BACK if state.previous else Phase.SAFE)
    return replace(state, good=state.previous, previous=None, phase=phase)


def found_again(state: PlayerState, good: ReleaseRef, previous: ReleaseRef | None) -> PlayerState:
    """There was no good release any more, but one that passed a trial here lies complete on the disk."""
    return replace(state, good=good, previous=previous, phase=Phase.ROLLED_BACK if state.phase is Phase.SAFE else state.phase)


def rebuilt(good: ReleaseRef | None, previous: ReleaseRef | None, *, rebuilds: int) -> PlayerState:
    """The state after a corrupt one was set aside: what lies complete on the disk is what there is."""
    return PlayerState(phase=Phase.GOOD if good else Phase.IDLE, good=good, previous=previous, rebuilds=rebuilds)


def report_numbered(state: PlayerState, *, least: int) -> PlayerState:
    """A report is about to be made; its sequence is at least `least`."""
    return replace(state, report_sequence=max(state.report_sequence + 1, least))


def sync_state(state: PlayerState, last_error: str | None) -> SyncState:
    """How what the screen shows relates to what it is meant to show."""
    if state.desired is not None and state.quarantined(state.desired) is not None:
        return SyncState.FAILED
    if last_error is not None:
        return SyncState.ERROR
    synced = state.desired is not None and state.good is not None and state.good.digest == state.desired.digest
    return SyncState.SYNCED if synced else SyncState.PENDING


def _without_candidate(state: PlayerState) -> PlayerState:
    return replace(state, candidate=None, attempts=0, phase=Phase.ROLLED_BACK if state.good is not None else Phase.SAFE)


def state_bytes(state: PlayerState) -> bytes:
    """The state as JSON with a checksum, and a final line feed that proves the end."""
    body = canonical_bytes(_state_json(state))
    return b'{"checksum":"' + sha256_hex(body).encode() + b'","state":' + body + b"}\n"


def parse_state(data: bytes) -> PlayerState:
    """Read what `state_bytes` wrote.

    Raises:
        StateCorruptError: it is not that.
    """
    try:
        fields = Fields.parse(data, "state")
        checksum = fields.one("checksum", sha256)
        body = fields.take("state")
        fields.finish()
        if sha256_hex(canonical_bytes(body)) != checksum:
            raise FieldsError("state: the checksum does not fit")
        return _state(Fields(body, "state"))
    except ValueError as error:
        raise StateCorruptError(str(error)) from error


def ref_json(ref: ReleaseRef | None) -> dict[str, Any] | None:
    """A release's reference as JSON."""
    return None if ref is None else {"sequence": ref.sequence, "commit": ref.commit, "digest": ref.digest}


def parse_ref(fields: Fields) -> ReleaseRef:
    """Read what `ref_json` wrote.

    Raises:
        FieldsError: it is not that.
    """
    ref = ReleaseRef(fields.integer("sequence", low=1), fields.one("commit", commit_id), fields.one("digest", sha256))
    fields.finish()
    return ref


def _optional_ref(fields: Fields, name: str) -> ReleaseRef | None:
    inner = fields.optional_object(name)
    return None if inner is None else parse_ref(inner)


def _state_json(state: PlayerState) -> dict[str, Any]:
    counters = state.counters
    return {
        "format": 1,
        "phase": state.phase.value,
        "good": ref_json(state.good),
        "previous": ref_json(state.previous),
        "candidate": ref_json(state.candidate),
        "attempts": state.attempts,
        "desired": ref_json(state.desired),
        "quarantine": [
            {"digest": q.digest, "sequence": q.sequence, "commit": q.commit, "reason": q.reason, "time": q.time}
            for q in state.quarantine
        ],
        "counters": [
            counters.attempts,
            counters.successes,
            counters.failures,
            counters.consecutive_failures,
            counters.mean_time,
        ],
        "reportSequence": state.report_sequence,
        "starts": state.starts,
        "rebuilds": state.rebuilds,
        "boot": state.boot,
    }


def _state(fields: Fields) -> PlayerState:
    fields.integer("format", low=1, high=1)
    state = PlayerState(
        phase=fields.one("phase", Phase),
        good=_optional_ref(fields, "good"),
        previous=_optional_ref(fields, "previous"),
        candidate=_optional_ref(fields, "candidate"),
        attempts=fields.integer("attempts"),
        desired=_optional_ref(fields, "desired"),
        quarantine=tuple(_quarantined(entry) for entry in fields.objects("quarantine")),
        counters=_counters(fields.sequence("counters", limit=5)),
        report_sequence=fields.integer("reportSequence"),
        starts=fields.integer("starts"),
        rebuilds=fields.integer("rebuilds"),
        boot=fields.text("boot", limit=MAX_BOOT) if fields.has("boot") else "",
    )
    fields.finish()
    if state.phase in _UNDER_WAY and state.candidate is None:
        raise FieldsError(f"state: {state.phase} without a candidate")
    return state


def _quarantined(fields: Fields) -> Quarantined:
    entry = Quarantined(
        digest=fields.one("digest", sha256),
        sequence=fields.integer("sequence", low=1),
        commit=fields.one("commit", commit_id),
        reason=fields.text("reason", limit=MAX_REASON),
        time=fields.text("time", limit=40),
    )
    fields.finish()
    return entry


def _counters(values: list[Any]) -> SyncCounters:
    if len(values) != 5 or any(type(value) is not int or value < 0 for value in values):
        raise FieldsError("state: counters must be five whole numbers")
    attempts, successes, failures, consecutive, mean = values
    return SyncCounters(attempts, successes, failures, consecutive, DurationMs(mean))
