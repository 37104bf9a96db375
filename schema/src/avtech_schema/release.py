"""The release record: every change of what players are meant to show, as one link of a hash chain (DESIGN section 4)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from avtech_schema.canonical import canonical_bytes
from avtech_schema.errors import TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Sha256, client_id, commit_id, screen_id, sha256
from avtech_schema.localtime import utc_time

PAYLOAD_TYPE = "application/vnd.avtech.release+json"


class ReleaseKind(StrEnum):
    """Why a record was made."""

    PUBLISH = "publish"
    WAVE = "wave"
    HALT = "halt"
    REVERT = "revert"
    RETRY = "retry"


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
    """One release. `time` is UTC, RFC 3339 with `Z`; `previous` is the SHA-256 of the previous record's object."""

    kind: ReleaseKind
    sequence: int
    commit: CommitId
    compiler: str
    tzdata: str
    publisher: str
    time: str
    previous: Sha256 | None
    changes: tuple[ScreenChange, ...]

    def payload(self) -> bytes:
        """The canonical bytes that are signed."""
        return canonical_bytes(
            {
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
            changes=tuple(_change(change) for change in fields.objects("changes")),
        )
        fields.finish()
    except FieldsError as error:
        raise TrustError(str(error)) from error
    return record


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
