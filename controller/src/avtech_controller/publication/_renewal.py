"""The daily renewal: signs anew the snapshot and what is past half of its life, without any commit and releasing nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from securesystemslib.signer import Signer

from avtech_controller.publication._publish import read_head
from avtech_controller.publication._writer import MetadataWriter, Progress
from avtech_controller.roster import Roster
from avtech_controller.stores import ObjectStore, PreconditionFailedError, StoreError
from avtech_controller.trust import Anchor
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import ByteSize, CommitId

_MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Renewal:
    """How a renewal ended, and the release that it stands for."""

    outcome: Literal["renewed", "unchanged"]
    sequence: int
    commit: CommitId
    bytes_written: ByteSize


def renew(store: ObjectStore, anchor: Anchor, signer: Signer, clock: Callable[[], datetime], progress: Progress) -> Renewal:
    """Sign anew the snapshot, unless that happened today, the bins past half of their life, and then the timestamp.

    It also brings newer offline metadata to players. What is released stays as it is.

    Raises:
        ConfigurationError: nothing is released.
        TrustError: the key may not, or something does not verify.
        StoreError, StoreConfigurationError: the store failed; nothing visible was changed.
    """
    anchor.check_publisher(signer, clock())
    for _ in range(_MAX_ATTEMPTS):
        head = read_head(store, anchor)
        if head is None:
            raise ConfigurationError(f"nothing is released in {store.url}", hint="the first `avtech publish` comes before")
        pointer = head.metadata.pointer
        writer = MetadataWriter(store, anchor, signer, head.metadata, clock())
        try:
            written = writer.renew(Roster.of(head.released.screens), pointer, progress, daily=True)
        except PreconditionFailedError:
            continue  # A publication or another renewal was faster: look again what is due.
        return Renewal("renewed" if written else "unchanged", pointer.sequence, pointer.commit, ByteSize(written))
    raise StoreError(f"the timestamp in {store.url} changed {_MAX_ATTEMPTS} times meanwhile")
