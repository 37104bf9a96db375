"""The release record: every change of what players are meant to show, as one link of a hash chain (DESIGN section 4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from avtech_schema.canonical import canonical_bytes
from avtech_schema.errors import TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Sha256, client_id, commit_id, screen_id, sha256
from avtech_schema.localtime import utc_time
from avtech_schema.rollout import RecordRef, RolloutNote, parse_note, parse_ref, ref_json

PAYLOAD_TYPE = "application/vnd.avtech.release+json"
_client = lru_cache(maxsize=4096)(client_id)
_commit = lru_cache(maxsize=4096)(commit_id)


class ReleaseKind(StrEnum):
    """Why a record was made."""

    PUBLISH = "publish"
    """A commit is released; to all screens, or, as a rollout begins, to its first wave."""
    WAVE = "wave"
    """The next wave of a rollout gets what is released."""
    PAUSE = "pause"
    """A rollout waits until it is resumed; no screen changes."""
    RESUME = "resume"
    """A rollout goes on; no screen changes."""
    COMPLETE = "complete"
    """Every wave of a rollout has it and is well; no screen changes."""
    HALT = "halt"
    """A rollout found a fault; the screens that had it go back, or are left as they are."""
    REVERT = "revert"
    """Somebody ended a rollout; the screens that had it go back."""
    RETRY = "retry"
    """Screens are to try again what failed on them."""


@dataclass(frozen=True, slots=True)
class ScreenChange:
    """One screen's step from the manifest it had (None: it is new) to the one it gets (None: it is removed)."""

    screen: ScreenId
    client: ClientId
    commit: CommitId
    old: Sha256 | None
    new: Sha256 | None


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One release. `time` is UTC, RFC 3339 with `Z`; `previous` is the SHA-256 of the previous record's object.

    `rollout` says where the rollout stands that this record is part of; `halted` names the records that began rollouts
    which found a fault, and whose manifests are not released again until a retry says so. `rewound` is the commit that was
    released before and from which this one does not descend: the publisher said that its history may be left.
    """

    kind: ReleaseKind
    sequence: int
    commit: CommitId
    compiler: str
    tzdata: str
    publisher: str
    time: str
    previous: Sha256 | None
    changes: tuple[ScreenChange, ...]
    rollout: RolloutNote | None = None
    halted: tuple[RecordRef, ...] = ()
    rewound: CommitId | None = None

    def payload(self) -> bytes:
        """The canonical bytes that are signed."""
        optional: dict[str, Any] = {}
        if self.rollout:
            optional["rollout"] = self.rollout.json()
        if self.halted:
            optional["halted"] = [ref_json(ref) for ref in self.halted]
        if self.rewound:
            optional["rewound"] = self.rewound
        return canonical_bytes(
            {
                **optional,
                "apiVersion": "avtech/v1",
                "kind": "ReleaseRecord",
                "reason": self.kind.value,
                "sequence": self.sequence,
                "commit": self.commit,
                "compiler": self.compiler,
                "tzdata": self.tzdata,
                "publisher": self.publisher,
                "time": self.time,
                "previous": self.previous,
                "changes": [
                    {"screen": c.screen, "client": c.client, "commit": c.commit, "old": c.old, "new": c.new}
                    for c in self.changes
                ],
            }
        )


def parse_release(payload: bytes) -> ReleaseRecord:
    """Read a record's signed payload; verify its signature first.

    Raises:
        TrustError: it is not a release record of this format.
    """
    try:
        fields = Fields.parse(payload, "release record")
        fields.constant("apiVersion", "avtech/v1")
        fields.constant("kind", "ReleaseRecord")
        record = ReleaseRecord(
            kind=fields.one("reason", ReleaseKind),
            sequence=fields.integer("sequence", low=1),
            commit=fields.one("commit", commit_id),
            compiler=fields.text("compiler"),
            tzdata=fields.text("tzdata"),
            publisher=fields.text("publisher"),
            time=fields.one("time", utc_time),
            previous=fields.optional("previous", sha256),
            changes=tuple(_changes(fields)),
            rollout=parse_note(fields.object("rollout")) if fields.has("rollout") else None,
            halted=tuple(parse_ref(ref) for ref in fields.objects("halted")) if fields.has("halted") else (),
            rewound=fields.one("rewound", commit_id) if fields.has("rewound") else None,
        )
        fields.finish()
    except FieldsError as error:
        raise TrustError(str(error)) from error
    return record


def _changes(fields: Fields) -> Iterator[ScreenChange]:
    """Every change; a record may hold very many, so those spelt as they should be are read without much ado."""
    for place, value in enumerate(fields.sequence("changes")):
        try:
            yield _quickly(value)
        except (ValueError, TypeError, KeyError):
            yield _change(Fields(value, f"{fields.where}: changes[{place}]"))


def _quickly(value: dict[str, Any]) -> ScreenChange:
    if len(value) != len(ScreenChange.__dataclass_fields__):
        raise ValueError("other fields than these")
    old, new = value["old"], value["new"]
    return ScreenChange(
        screen=screen_id(value["screen"]),
        client=_client(value["client"]),
        commit=_commit(value["commit"]),
        old=None if old is None else sha256(old),
        new=None if new is None else sha256(new),
    )


def _change(fields: Fields) -> ScreenChange:
    change = ScreenChange(
        screen=fields.one("screen", screen_id),
        client=fields.one("client", client_id),
        commit=fields.one("commit", commit_id),
        old=fields.optional("old", sha256),
        new=fields.optional("new", sha256),
    )
    fields.finish()
    return change


def release_pointer(*, sequence: int, commit: CommitId, digest: Sha256) -> dict[str, Any]:
    """What the signed snapshot says of its release; timestamp repeats sequence and commit."""
    return {"sequence": sequence, "commit": commit, "digest": digest}
