"""Proof of play: what a screen showed, record by record, in signed and chained segments (docs/reference/plays.md)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backports import zstd
from securesystemslib.signer import Key, Signer

from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.envelope import open_sealed, seal
from avtech_schema.errors import TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import (
    ClientId,
    DurationMs,
    ScreenId,
    Sha256,
    VideoId,
    client_id,
    commit_id,
    screen_id,
    sha256,
    video_id,
)
from avtech_schema.layout import chain_id
from avtech_schema.localtime import local_date, utc_time
from avtech_schema.report import ReleaseRef, SyncState

PAYLOAD_TYPE = "application/vnd.avtech.plays+json"
MAX_STORED_BYTES = 2_000_000
"""A stored segment that is larger is refused unread."""
MAX_SEGMENT_BYTES = 8_000_000
"""A segment that unpacks to more is refused."""
MAX_RECORDS = 20_000
MAX_REASON = 500
_MAX_ENVELOPE = 10_000


class PlayResult(StrEnum):
    """How a play ended."""

    COMPLETE = "complete"
    """The clip was shown to its end."""
    CUT = "cut"
    """Something else was due at once, or another release, and replaced it."""
    FAILED = "failed"
    """It could not be shown, or not to its end; `reason` says why."""
    INTERRUPTED = "interrupted"
    """The player stopped, or what draws the pictures died."""


@dataclass(frozen=True, slots=True)
class Played:
    """One clip on the screen, from its first frame to its last. Times are UTC, RFC 3339 with `Z`.

    `played` is how long its frames advanced, in milliseconds; `rule` is None for the fallback; `release` is the one whose
    manifest put it on air.
    """

    clip: VideoId
    sha256: Sha256
    rule: str | None
    release: ReleaseRef
    start: str
    end: str
    played: DurationMs
    result: PlayResult
    reason: str
    clock_trusted: bool

    @property
    def time(self) -> str:
        """When it was recorded: at the end."""
        return self.end

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON value, without its number."""
        return {
            "kind": "play",
            "clip": self.clip,
            "sha256": self.sha256,
            "rule": self.rule,
            "release": _ref_json(self.release),
            "start": self.start,
            "end": self.end,
            "playedMs": self.played,
            "result": self.result.value,
            "reason": self.reason,
            "clockTrusted": self.clock_trusted,
        }


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The player's state from `time` on. `event` is `started`, `changed` or `stopped`; `engine` is the engine's state."""

    time: str
    event: str
    state: SyncState
    phase: str
    desired: ReleaseRef | None
    applied: ReleaseRef | None
    engine: str
    reason: str
    clock_trusted: bool

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON value, without its number."""
        return {
            "kind": "state",
            "time": self.time,
            "event": self.event,
            "state": self.state.value,
            "phase": self.phase,
            "desired": _ref_json(self.desired),
            "applied": _ref_json(self.applied),
            "engine": self.engine,
            "reason": self.reason,
            "clockTrusted": self.clock_trusted,
        }


Record = Played | StateChanged


@dataclass(frozen=True, slots=True)
class Numbered:
    """A record with its number; numbers rise by one from record to record, so that a gap shows what was lost."""

    number: int
    record: Record

    def line(self) -> bytes:
        """Its canonical bytes, with a line feed."""
        return canonical_bytes({"n": self.number, **self.record.to_json()}) + b"\n"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed of a segment.

    `number` counts the segments of a chain from 1, `previous` is the SHA-256 of the statement before (None for the
    first), `digest` that of the record lines. `first` and `last` are the numbers of the first and the last record, `dropped`
    counts records that were lost since the chain began.
    """

    client: ClientId
    screen: ScreenId
    chain: str
    number: int
    previous: Sha256 | None
    date: str
    digest: Sha256
    records: int
    first: int
    last: int
    dropped: int

    def payload(self) -> bytes:
        """The canonical bytes that are signed; their SHA-256 is what the next statement names."""
        return canonical_bytes(
            {
                "apiVersion": "avtech/v1",
                "kind": "PlaySegment",
                "client": self.client,
                "screen": self.screen,
                "chain": self.chain,
                "number": self.number,
                "previous": self.previous,
                "date": self.date,
                "digest": self.digest,
                "records": self.records,
                "first": self.first,
                "last": self.last,
                "dropped": self.dropped,
            }
        )


@dataclass(frozen=True, slots=True)
class PlaySegment:
    """A segment that was read: its statement, verified, and its records in order."""

    statement: Statement
    records: tuple[Numbered, ...]


def seal_segment(
    records: Sequence[Numbered],
    signer: Signer,
    *,
    client: ClientId,
    screen: ScreenId,
    chain: str,
    number: int,
    previous: Sha256 | None,
    dropped: int,
) -> tuple[Statement, bytes]:
    """Make a segment of records of one day (UTC): its statement, and the bytes to store.

    The same records, chain and key give the same bytes, so that a retry is recognised.
    """
    lines = b"".join(record.line() for record in records)
    statement = Statement(
        client=client,
        screen=screen,
        chain=chain,
        number=number,
        previous=previous,
        date=records[0].record.time[:10],
        digest=sha256_hex(lines),
        records=len(records),
        first=records[0].number,
        last=records[-1].number,
        dropped=dropped,
    )
    envelope = seal(statement.payload(), PAYLOAD_TYPE, signer)
    return statement, zstd.compress(envelope + b"\n" + lines, 9)


def open_segment(data: bytes, keys: Iterable[Key]) -> PlaySegment:
    """Read a stored segment, verifying its signature, its digest and every record.

    Raises:
        TrustError: it is damaged, of another format, or signed by none of the keys.
    """
    text = _unpacked(data)
    envelope, _, lines = text.partition(b"\n")
    if len(envelope) > _MAX_ENVELOPE:
        raise TrustError("the segment does not begin with a signed statement")
    statement = parse_statement(open_sealed(envelope, PAYLOAD_TYPE, keys))
    if sha256_hex(lines) != statement.digest:
        raise TrustError("the segment's records are not those that were signed")
    try:
        records = tuple(parse_record(line) for line in lines.splitlines())
    except FieldsError as error:
        raise TrustError(str(error)) from error
    numbers = [record.number for record in records]
    if len(records) != statement.records or numbers[:1] != [statement.first] or numbers[-1:] != [statement.last]:
        raise TrustError("the segment does not hold the records that its statement counts")
    return PlaySegment(statement, records)


def parse_statement(payload: bytes) -> Statement:
    """Read a statement's signed payload.

    Raises:
        TrustError: it is not one.
    """
    try:
        fields = Fields.parse(payload, "play segment")
        fields.constant("apiVersion", "avtech/v1")
        fields.constant("kind", "PlaySegment")
        statement = Statement(
            client=fields.one("client", client_id),
            screen=fields.one("screen", screen_id),
            chain=fields.one("chain", chain_id),
            number=fields.integer("number", low=1),
            previous=fields.optional("previous", sha256),
            date=fields.one("date", local_date),
            digest=fields.one("digest", sha256),
            records=fields.integer("records", low=1, high=MAX_RECORDS),
            first=fields.integer("first", low=1),
            last=fields.integer("last", low=1),
            dropped=fields.integer("dropped"),
        )
        fields.finish()
    except FieldsError as error:
        raise TrustError(str(error)) from error
    return statement


def parse_record(line: bytes) -> Numbered:
    """Read one record's line.

    Raises:
        FieldsError: it is not a record.
    """
    fields = Fields.parse(line, "record")
    number = fields.integer("n", low=1)
    match kind := fields.text("kind", limit=20):
        case "play":
            record: Record = _played(fields)
        case "state":
            record = _state_changed(fields)
        case _:
            raise FieldsError(f"record: the kind {kind!r} is not known")
    fields.finish()
    return Numbered(number, record)


def chain_gaps(statements: Iterable[Statement]) -> list[str]:
    """What is missing or does not follow in one screen's segments, in words; empty when each chain is whole."""
    chains: dict[str, list[Statement]] = {}
    for statement in statements:
        chains.setdefault(statement.chain, []).append(statement)
    found: list[str] = []
    for chain, members in sorted(chains.items()):
        expected, previous, last = 1, None, 0
        for statement in sorted(members, key=lambda statement: statement.number):
            where = f"{chain}-{statement.number:08d}"
            if statement.number != expected:
                found.append(f"{chain}: the segments {expected} to {statement.number - 1} are missing")
            elif statement.previous != previous:
                found.append(f"{where}: does not follow the segment before it")
            if statement.number > 1 and statement.first != last + 1:
                found.append(f"{where}: the records {last + 1} to {statement.first - 1} are missing")
            if lacking := statement.last - statement.first + 1 - statement.records:
                found.append(f"{where}: {lacking} of its records are missing")
            expected, previous, last = statement.number + 1, sha256_hex(statement.payload()), statement.last
    return found


def _unpacked(data: bytes) -> bytes:
    if len(data) > MAX_STORED_BYTES:
        raise TrustError(f"the segment has {len(data)} bytes; at most {MAX_STORED_BYTES} are read")
    try:
        decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 24})
        text = decompressor.decompress(data, max_length=MAX_SEGMENT_BYTES)
    except zstd.ZstdError as error:
        raise TrustError(f"the segment cannot be unpacked ({error})") from error
    if not decompressor.eof or decompressor.unused_data:
        raise TrustError("the segment is cut short, too long, or followed by something else")
    return text


def _played(fields: Fields) -> Played:
    return Played(
        clip=fields.one("clip", video_id),
        sha256=fields.one("sha256", sha256),
        rule=fields.optional("rule", str),
        release=_ref(fields.object("release")),
        start=fields.one("start", utc_time),
        end=fields.one("end", utc_time),
        played=DurationMs(fields.integer("playedMs")),
        result=fields.one("result", PlayResult),
        reason=fields.text("reason", limit=MAX_REASON),
        clock_trusted=fields.boolean("clockTrusted"),
    )


def _state_changed(fields: Fields) -> StateChanged:
    desired, applied = fields.optional_object("desired"), fields.optional_object("applied")
    return StateChanged(
        time=fields.one("time", utc_time),
        event=fields.text("event", limit=40),
        state=fields.one("state", SyncState),
        phase=fields.text("phase", limit=40),
        desired=_ref(desired) if desired else None,
        applied=_ref(applied) if applied else None,
        engine=fields.text("engine", limit=40),
        reason=fields.text("reason", limit=MAX_REASON),
        clock_trusted=fields.boolean("clockTrusted"),
    )


def _ref_json(ref: ReleaseRef | None) -> dict[str, object] | None:
    return None if ref is None else {"sequence": ref.sequence, "commit": ref.commit, "digest": ref.digest}


def _ref(fields: Fields) -> ReleaseRef:
    ref = ReleaseRef(fields.integer("sequence", low=1), fields.one("commit", commit_id), fields.one("digest", sha256))
    fields.finish()
    return ref
