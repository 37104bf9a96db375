"""Reports and release records survive their spelling and their envelope, and nothing malformed gets through."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from avtech_schema import release, report
from avtech_schema.envelope import open_sealed, public_key, public_key_text, seal
from avtech_schema.errors import TrustError
from tests.schema.documents import RECORD, REPORT, TIME, attempt, damaged

KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()
PUBLIC = public_key(public_key_text(KEY.public_key()))
PARSERS: list[Any] = [
    pytest.param(REPORT, report.parse_report, id="report"),
    pytest.param(
        replace(REPORT, desired=None, applied=None, last_error=None, now_playing=None, quarantine=()),
        report.parse_report,
        id="empty",
    ),
    pytest.param(RECORD, release.parse_release, id="release"),
    pytest.param(replace(RECORD, previous=None, changes=()), release.parse_release, id="first"),
]


@pytest.mark.parametrize(("statement", "parse"), PARSERS)
def test_a_statement_survives_its_spelling(statement: Any, parse: Callable[[bytes], Any]) -> None:
    assert parse(statement.payload()) == statement
    spelt = json.dumps(json.loads(statement.payload()), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert spelt.encode() == statement.payload()


@settings(deadline=None, max_examples=300)
@given(damaged(REPORT.payload()))
def test_a_damaged_report_is_refused_or_makes_sense(data: bytes) -> None:
    read, refusal = attempt(report.parse_report, data)
    if read is None:
        assert 0 < len(refusal) < 500
        assert "\n" not in refusal
    else:
        assert report.parse_report(read.payload()) == read


@settings(deadline=None, max_examples=300)
@given(damaged(RECORD.payload()))
def test_a_damaged_release_record_is_refused_or_makes_sense(data: bytes) -> None:
    read, refusal = attempt(release.parse_release, data)
    if read is None:
        assert 0 < len(refusal) < 500
        assert "\n" not in refusal
    else:
        assert release.parse_release(read.payload()) == read


@pytest.mark.parametrize("parse", [report.parse_report, release.parse_release])
@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"[" * 100_000, b'{"sequence":NaN}', b"\xff", b" " * 300_000])
def test_noise_is_refused(data: bytes, parse: Callable[[bytes], Any]) -> None:
    with pytest.raises(TrustError):
        parse(data)


@pytest.mark.parametrize(
    "time", ["", "now", "2026-07-01T12:00:00", "2026-07-01T12:00:00+00:00", "2026-02-30T12:00:00Z", TIME + "\n"]
)
def test_times_are_utc_to_the_second(time: str) -> None:
    with pytest.raises(TrustError, match="time"):
        report.parse_report(orjson.dumps({**orjson.loads(REPORT.payload()), "time": time}))
    with pytest.raises(TrustError, match="time"):
        release.parse_release(orjson.dumps({**orjson.loads(RECORD.payload()), "time": time}))


def test_an_envelope_opens_for_its_key_and_type_alone() -> None:
    data = seal(b"{}", "a", CryptoSigner(KEY))
    assert open_sealed(data, "a", [PUBLIC]) == b"{}"
    with pytest.raises(TrustError, match="stands where"):
        open_sealed(data, "b", [PUBLIC])
    with pytest.raises(TrustError, match="none of the keys"):
        open_sealed(data, "a", [public_key(public_key_text(OTHER.public_key()))])
    with pytest.raises(TrustError):
        open_sealed(data, "a", [])
    with pytest.raises(TrustError, match="none of the keys"):
        open_sealed(data.replace(b'"e30="', b'"e319"'), "a", [PUBLIC])


SEALED = seal(REPORT.payload(), report.PAYLOAD_TYPE, CryptoSigner(KEY))


@settings(deadline=None, max_examples=200)
@given(damaged(SEALED) | st.binary(max_size=200))
def test_a_damaged_envelope_never_opens_to_other_bytes(data: bytes) -> None:
    payload, refusal = attempt(lambda sealed: open_sealed(sealed, report.PAYLOAD_TYPE, [PUBLIC]), data)
    assert payload in (None, REPORT.payload())
    assert "\n" not in refusal


@pytest.mark.parametrize(
    "text",
    ["", "ed25519:", "ed25519:AAAA", "rsa:" + "A" * 43 + "=", "ed25519:" + "é" * 44, "ed25519:" + "A" * 44, "A" * 43 + "="],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|ASCII|base64"):
        public_key(text)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"screen": "SCR-"}, "changes[0]: screen"),
        ({"screen": 7}, "changes[0]: screen must be a text"),
        ({"client": ["CLI-A"]}, "changes[0]: client must be a text"),
        ({"commit": None}, "changes[0]: commit must be a text"),
        ({"new": "A" * 64}, "changes[0]: new"),
        ({"why": "more"}, "changes[0]: unknown field 'why'"),
        ({"old": ...}, "changes[0]: old is missing"),
        ({"old": ..., "why": None}, "changes[0]: old is missing"),
        (None, "changes[0]: expected an object"),
        ("five!", "changes[0]: expected an object"),
    ],
)
def test_a_wrong_change_of_a_release_is_named(wrong: Any, told: str) -> None:
    payload = json.loads(RECORD.payload())
    change = {**payload["changes"][0], **wrong} if isinstance(wrong, dict) else wrong
    payload["changes"][0] = (
        {name: one for name, one in change.items() if one is not ...} if isinstance(change, dict) else change
    )
    with pytest.raises(TrustError) as refused:
        release.parse_release(json.dumps(payload).encode())
    assert told in str(refused.value)
