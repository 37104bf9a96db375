"""The in-toto Statement (v1) with SLSA provenance (v1) of a release. Pure: the same record and builder, the same bytes.

Formats: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and https://slsa.dev/spec/v1.0/provenance.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from avtech_controller.provenance._builder import Builder
from avtech_schema.canonical import canonical_bytes
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import Sha256
from avtech_schema.layout import manifest_key, release_key
from avtech_schema.release import ReleaseRecord

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
BUILD_TYPE = "urn:avtech:build:release:v1"
"""How a release is made from a commit; docs/guides/audit.md says what the parameters mean."""
MAX_SUBJECTS = 100_000
"""Manifests beyond these are covered by the release record alone, which is a subject itself and names them all."""


def statement_of(record: ReleaseRecord, digest: Sha256, builder: Builder) -> bytes:
    """The statement, in canonical bytes; `digest` is that of the record's object."""
    changed = sum(change.new is not None for change in record.changes)
    return canonical_bytes(
        {
            "_type": STATEMENT_TYPE,
            "subject": _subjects(record, digest),
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {"commit": record.commit, "reason": record.kind.value},
                    "internalParameters": {
                        "sequence": record.sequence,
                        "compiler": record.compiler,
                        "tzdata": record.tzdata,
                        "manifests": changed,
                    },
                    "resolvedDependencies": list(_dependencies(record, builder)),
                },
                "runDetails": {
                    "builder": {"id": builder.id, "version": _version(record.compiler)},
                    "metadata": {
                        **({"invocationId": builder.invocation} if builder.invocation else {}),
                        "finishedOn": record.time,
                    },
                },
            },
        }
    )


def differences(statement: bytes, record: ReleaseRecord, digest: Sha256) -> list[str]:
    """What a verified statement says otherwise than the record it speaks of; empty when they agree.

    The builder is not looked at: nobody but the statement says which it was.

    Raises:
        TrustError: it is not a statement of this form.
    """
    try:
        found = orjson.loads(statement)
        details = found["predicate"]["runDetails"]
        builder = Builder(
            details["builder"]["id"], details["metadata"].get("invocationId"), _source(found["predicate"]["buildDefinition"])
        )
        wanted = orjson.loads(statement_of(record, digest, builder))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrustError("the provenance is not an in-toto statement with SLSA provenance") from error
    parts: dict[str, Callable[[Any], Any]] = {
        "the kind of statement": lambda value: (value["_type"], value["predicateType"]),
        "its subjects": lambda value: value["subject"],
        "how the release was made": lambda value: value["predicate"]["buildDefinition"],
        "who made it": lambda value: value["predicate"]["runDetails"],
    }
    return [name for name, part in parts.items() if _part(part, found) != part(wanted)]


def _part(part: Callable[[Any], Any], value: Any) -> Any:
    try:
        return part(value)
    except (KeyError, TypeError):
        return None


def _subjects(record: ReleaseRecord, digest: Sha256) -> list[dict[str, Any]]:
    subjects = [_subject(release_key(record.sequence, digest), digest)]
    for change in record.changes:
        if change.new is None:
            continue
        if len(subjects) == MAX_SUBJECTS:
            break
        subjects.append(_subject(manifest_key(change.client, change.screen, change.new), change.new))
    return subjects


def _subject(name: str, digest: Sha256) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest}}


def _dependencies(record: ReleaseRecord, builder: Builder) -> Iterator[dict[str, Any]]:
    where = {"uri": f"git+{builder.source}"} if builder.source else {}
    for commit in [record.commit, *sorted({change.commit for change in record.changes} - {record.commit})]:
        yield {"name": "desired state", **where, "digest": {"gitCommit": commit}}
    compiler, _, version = record.compiler.partition(" ")
    yield {"name": "compiler", "uri": f"pkg:pypi/{compiler}@{version}"}
    yield {"name": "tzdata", "uri": f"pkg:pypi/tzdata@{record.tzdata}"}
    if record.previous is not None:
        yield _subject(release_key(record.sequence - 1, record.previous), record.previous)


def _source(definition: Any) -> str | None:
    uri = definition["resolvedDependencies"][0].get("uri")
    return uri.removeprefix("git+") if uri else None


def _version(compiler: str) -> dict[str, str]:
    name, _, version = compiler.partition(" ")
    return {name: version}
