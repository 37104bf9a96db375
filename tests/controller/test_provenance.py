"""Every release has a statement of how it was made, in the public form of in-toto and SLSA, and it cannot be bent."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from avtech_controller.provenance import (
    MAX_SUBJECTS,
    PAYLOAD_TYPE,
    Builder,
    builder_of,
    differences,
    read_provenance,
    statement_of,
    write_provenance,
)
from avtech_controller.stores import open_store
from avtech_schema.envelope import open_sealed
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Sha256
from avtech_schema.layout import provenance_key
from avtech_schema.release import ReleaseKind, ReleaseRecord, ScreenChange
from tests.controller.publishing import World, commit, make_world, screens

DIGEST = Sha256("d" * 64)
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "acme/signage",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_WORKFLOW_REF": "acme/signage/.github/workflows/publish.yml@refs/heads/main",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.example/acme/signage",
    "CI_RUNNER_ID": "12",
    "CI_JOB_URL": "https://gitlab.example/acme/signage/-/jobs/9",
}
DESCRIPTOR = {
    "type": "object",
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
    "properties": {
        "name": {"type": "string"},
        "uri": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
        "digest": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"}},
    },
}
SHAPE = {
    "$comment": "what in-toto's Statement v1 and SLSA's provenance v1 require of a document",
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "predicateType": {"const": "https://slsa.dev/provenance/v1"},
        "subject": {"type": "array", "minItems": 1, "items": {"allOf": [DESCRIPTOR, {"required": ["digest"]}]}},
        "predicate": {
            "type": "object",
            "required": ["buildDefinition", "runDetails"],
            "additionalProperties": False,
            "properties": {
                "buildDefinition": {
                    "type": "object",
                    "required": ["buildType", "externalParameters"],
                    "additionalProperties": False,
                    "properties": {
                        "buildType": {"type": "string", "pattern": "^[a-z]+:"},
                        "externalParameters": {"type": "object"},
                        "internalParameters": {"type": "object"},
                        "resolvedDependencies": {"type": "array", "items": DESCRIPTOR},
                    },
                },
                "runDetails": {
                    "type": "object",
                    "required": ["builder"],
                    "additionalProperties": False,
                    "properties": {
                        "builder": {
                            "type": "object",
                            "required": ["id"],
                            "properties": {
                                "id": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
                                "version": {"type": "object", "additionalProperties": {"type": "string"}},
                            },
                        },
                        "metadata": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {
                                "invocationId": {"type": "string"},
                                "startedOn": {"type": "string", "format": "date-time"},
                                "finishedOn": {"type": "string", "format": "date-time"},
                            },
                        },
                        "byproducts": {"type": "array", "items": DESCRIPTOR},
                    },
                },
            },
        },
    },
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "store").mkdir()
    return make_world(tmp_path, open_store(f"file://{tmp_path}/store"), number=1)


def record(count: int = 2) -> ReleaseRecord:
    client = ClientId("CLI-ACME")
    changes = [
        ScreenChange(ScreenId(f"SCR-ACME-{number:06}"), client, commit(2), None, Sha256(f"{number:064x}"))
        for number in range(count)
    ]
    changes.append(ScreenChange(ScreenId("SCR-ACME-GONE"), client, commit(1), Sha256("e" * 64), None))
    return ReleaseRecord(
        ReleaseKind.PUBLISH,
        7,
        commit(2),
        "avtech-controller 0.1.0",
        "2026.1",
        "ada",
        "2026-05-01T10:00:00Z",
        Sha256("f" * 64),
        tuple(changes),
    )


def statement(environment: Mapping[str, str], count: int = 2) -> Any:
    return json.loads(statement_of(record(count), DIGEST, builder_of(environment)))


@pytest.mark.parametrize("environment", [{}, GITHUB, GITLAB], ids=["local", "github", "gitlab"])
def test_the_statement_has_the_public_form(environment: Mapping[str, str]) -> None:
    jsonschema.Draft202012Validator(SHAPE).validate(statement(environment))


def test_its_subjects_are_the_record_and_the_manifests_that_came(world: World) -> None:
    found = statement(GITHUB)
    assert [subject["name"] for subject in found["subject"]] == [
        f"releases/00000007-{DIGEST}.json",
        f"targets/CLI-ACME/{0:064x}.SCR-ACME-000000.json",
        f"targets/CLI-ACME/{1:064x}.SCR-ACME-000001.json",
    ]
    assert found["subject"][0]["digest"] == {"sha256": DIGEST}


def test_it_names_what_the_release_was_made_from_and_by_what() -> None:
    predicate = statement(GITHUB)["predicate"]
    assert predicate["buildDefinition"]["externalParameters"] == {"commit": commit(2), "reason": "publish"}
    assert predicate["buildDefinition"]["resolvedDependencies"] == [
        {"name": "desired state", "uri": "git+https://github.example/acme/signage", "digest": {"gitCommit": commit(2)}},
        {"name": "desired state", "uri": "git+https://github.example/acme/signage", "digest": {"gitCommit": commit(1)}},
        {"name": "compiler", "uri": "pkg:pypi/avtech-controller@0.1.0"},
        {"name": "tzdata", "uri": "pkg:pypi/tzdata@2026.1"},
        {"name": f"releases/00000006-{'f' * 64}.json", "digest": {"sha256": "f" * 64}},
    ]
    assert predicate["runDetails"] == {
        "builder": {
            "id": "https://github.example/acme/signage/.github/workflows/publish.yml@refs/heads/main",
            "version": {"avtech-controller": "0.1.0"},
        },
        "metadata": {
            "invocationId": "https://github.example/acme/signage/actions/runs/77/attempts/2",
            "finishedOn": "2026-05-01T10:00:00Z",
        },
    }


def test_the_builder_comes_from_the_variables_of_ci() -> None:
    assert builder_of(GITLAB) == Builder(
        "https://gitlab.example/acme/signage/-/runners/12",
        "https://gitlab.example/acme/signage/-/jobs/9",
        "https://gitlab.example/acme/signage",
    )
    assert builder_of({}) == Builder()


@pytest.mark.parametrize(
    "address",
    ["https://user:secret@host/x", "ssh://host/x", "https://host/a b", "https://host/\n", "https://h/" + "x" * 600, ""],
)
def test_an_address_with_a_secret_or_that_is_none_is_left_out(address: str) -> None:
    found = builder_of({**GITLAB, "CI_PROJECT_URL": address, "CI_JOB_URL": address})
    assert found == Builder()
    assert "secret" not in json.dumps(statement({**GITHUB, "GITHUB_SERVER_URL": "https://user:secret@host"}))


def test_the_number_of_subjects_is_bounded_and_the_record_is_always_one() -> None:
    found = statement({}, MAX_SUBJECTS + 5)
    assert len(found["subject"]) == MAX_SUBJECTS
    assert found["subject"][0]["name"].startswith("releases/")
    assert found["predicate"]["buildDefinition"]["internalParameters"]["manifests"] == MAX_SUBJECTS + 5
    assert not differences(statement_of(record(MAX_SUBJECTS + 5), DIGEST, Builder()), record(MAX_SUBJECTS + 5), DIGEST)


def test_it_is_signed_and_stored_with_every_release_before_players_see_it(world: World) -> None:
    world.publish(1, screens(2))
    head = world.head()
    found = read_provenance(world.store, 1, head.released.digest, world.anchor.publishers)
    assert found is not None
    assert differences(found, head.record, head.released.digest) == []
    jsonschema.Draft202012Validator(SHAPE).validate(json.loads(found))
    stored = world.store.get(provenance_key(1, head.released.digest), limit=10**6)
    assert open_sealed(stored.data, PAYLOAD_TYPE, world.anchor.publishers) == found  # type: ignore[union-attr]


def test_writing_it_again_leaves_the_first(world: World) -> None:
    assert write_provenance(world.store, record(), DIGEST, Builder(), world.signer) > 0
    assert write_provenance(world.store, record(), DIGEST, Builder("https://else.example"), world.signer) == 0


def test_the_same_release_gives_the_same_bytes() -> None:
    assert statement_of(record(), DIGEST, builder_of(GITHUB)) == statement_of(record(), DIGEST, builder_of(GITHUB))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"commit": CommitId("9" * 40)}, "how the release was made"),
        ({"tzdata": "2020.1"}, "how the release was made"),
        ({"compiler": "other 9"}, "how the release was made"),
        ({"changes": ()}, "its subjects"),
        ({"time": "2026-05-01T11:00:00Z"}, "who made it"),
        ({"sequence": 8}, "its subjects"),
    ],
)
def test_a_statement_of_another_release_is_told_by_where_it_differs(changes: dict[str, Any], said: str) -> None:
    other = replace(record(), **changes)
    assert said in differences(statement_of(other, DIGEST, Builder()), record(), DIGEST)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"predicate": []}', b"\xff", b"[" * 2000])
def test_what_is_no_statement_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError):
        differences(data, record(), DIGEST)


def test_a_statement_that_nobody_trusted_signed_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/store").mkdir()
    other = make_world(tmp_path / "other", open_store(f"file://{tmp_path}/other/store"), number=1)
    write_provenance(world.store, record(), DIGEST, Builder(), other.signer)
    with pytest.raises(TrustError):
        read_provenance(world.store, 7, DIGEST, world.anchor.publishers)
    assert read_provenance(world.store, 8, DIGEST, world.anchor.publishers) is None
