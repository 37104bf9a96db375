"""The manifest survives its own spelling, and nothing malformed or hostile gets through."""

import json
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtech_schema.airtime import airtime
from avtech_schema.errors import ManifestRejectedError
from avtech_schema.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest
from tests.property.airtime_strategies import programmes
from tests.schema.documents import attempt, damaged, whole_manifest
from tests.schema.test_airtime import NOW, chain

WHOLE = whole_manifest().canonical()


def changed(**fields: Any) -> bytes:
    return orjson.dumps({**orjson.loads(WHOLE), **fields})


def test_a_manifest_survives_its_spelling() -> None:
    assert parse_manifest(WHOLE) == whole_manifest()
    assert parse_manifest(WHOLE).canonical() == WHOLE


@settings(deadline=None, max_examples=60)
@given(programmes())
def test_every_manifest_survives_its_spelling_with_the_same_airtime(programme: tuple[Manifest, Any, Any]) -> None:
    made = programme[0]
    if not made.rules and not made.fallback:
        return
    read = parse_manifest(made.canonical())
    assert read == made
    assert airtime(read, NOW) == airtime(made, NOW)


def test_its_spelling_is_what_plain_json_gives() -> None:
    spelt = json.dumps(json.loads(WHOLE), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert spelt.encode() == WHOLE


@settings(deadline=None, max_examples=400)
@given(damaged(WHOLE))
def test_a_damaged_manifest_is_refused_or_makes_sense(data: bytes) -> None:
    read, refusal = attempt(parse_manifest, data)
    if read is None:
        assert 0 < len(refusal) < 500
        assert "\n" not in refusal
    else:
        assert parse_manifest(read.canonical()) == read
        airtime(read, NOW)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestRejectedError):
        parse_manifest(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "expected an object"),
        (b"null", "expected an object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (WHOLE.replace(b'"weight":3', b'"weight":NaN'), "not JSON"),
        (WHOLE.replace(b'"weight":3', b'"weight":3.0'), "whole number"),
        (WHOLE.replace(b'"weight":3', b'"weight":1e99'), "whole number"),
        (WHOLE.replace(b'"weight":3', b'"weight":' + b"9" * 400), "not JSON|whole number"),
        (b" " * (MAX_MANIFEST_BYTES + 1), "at most"),
        (changed(timeZone="../../etc/passwd"), "not a time zone"),
        (changed(client="CLI-OTHER"), "not its client's content key"),
        (changed(screen="SCR-1\n"), "is not a screen"),
        (changed(rules=[], fallback=None), "show nothing"),
        (changed(assets={}), "no clip"),
        (changed(fallback="lost"), "lost is not in it"),
        (changed(playlists={}), "is not in it"),
        (changed(playlists={"all": [], "more": []}), "no items"),
        (changed(kind="Report"), "expected 'Manifest'"),
        (changed(apiVersion="avtech/v2"), "expected 'avtech/v1'"),
        (changed(surprise=1), "unknown field"),
        (WHOLE.replace(b'"FREQ=MONTHLY;BYDAY=1FR"', b'"FREQ=SECONDLY"'), "time of day"),
        (WHOLE.replace(b'"days":[0,6]', b'"days":[6,0]'), "rising"),
        (WHOLE.replace(b'"days":[0,6]', b'"days":[true]'), "rising"),
        (WHOLE.replace(b'"from":1800', b'"from":60'), "empty"),
        (WHOLE.replace(b'"s/2"', b'"s/1"'), "share an id"),
        (WHOLE.replace(b'{"clip":"VID-B"', b'{"clip":"VID-LOST"'), "VID-LOST is not among"),
    ],
)
def test_what_is_no_manifest_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(ManifestRejectedError, match=why):
        parse_manifest(data)


def test_a_recurrence_without_anchor_is_refused() -> None:
    rules = orjson.loads(WHOLE)["rules"]
    rules[1]["validFrom"] = None
    with pytest.raises(ManifestRejectedError, match="no anchor"):
        parse_manifest(changed(rules=rules))


@pytest.mark.parametrize("names", [["all"], ["more", "all"], [f"p{n}" for n in range(5000)]])
def test_a_circle_of_playlists_is_refused_however_long(names: list[str]) -> None:
    item = {"weight": 1, "validFrom": None, "validUntil": None}
    circle = {name: [{"playlist": names[(n + 1) % len(names)], **item}] for n, name in enumerate(names)}
    lists = {"all": [{"playlist": names[0], **item}], "more": [{"playlist": names[0], **item}], **circle}
    began = time.process_time()
    with pytest.raises(ManifestRejectedError, match="contains itself"):
        parse_manifest(changed(playlists=lists))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(("length", "fan"), [(60, 3), (3000, 1)])
def test_deeply_nested_playlists_are_read(length: int, fan: int) -> None:
    assert parse_manifest(chain(length, fan).canonical()) == chain(length, fan)
