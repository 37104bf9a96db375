"""Proof of play: segments are signed, whole, chained, the same for the same records, and refused when anything is off."""

import shutil
import subprocess
from dataclasses import replace

import orjson
import pytest
from backports import zstd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from avtech_schema.canonical import sha256_hex
from avtech_schema.envelope import public_key, public_key_text, seal
from avtech_schema.errors import TrustError
from avtech_schema.fields import FieldsError
from avtech_schema.identifiers import ClientId, CommitId, DurationMs, ScreenId, Sha256, VideoId
from avtech_schema.layout import chain_id, plays_key
from avtech_schema.plays import (
    MAX_STORED_BYTES,
    PAYLOAD_TYPE,
    Numbered,
    Played,
    PlayResult,
    StateChanged,
    Statement,
    chain_gaps,
    open_segment,
    parse_record,
    seal_segment,
)
from avtech_schema.report import ReleaseRef, SyncState

PRIVATE = Ed25519PrivateKey.generate()
KEY = public_key(public_key_text(PRIVATE.public_key()))
SIGNER = CryptoSigner(PRIVATE)
REF = ReleaseRef(3, CommitId("a" * 40), Sha256("b" * 64))
CLIENT, SCREEN, CHAIN = ClientId("CLI-ACME"), ScreenId("SCR-ACME-1"), "0123456789abcdef"


def played(number: int, **more: object) -> Numbered:
    record = Played(
        clip=VideoId("VID-A"),
        sha256=Sha256("c" * 64),
        rule="lobby/1",
        release=REF,
        start="2026-11-24T10:00:00.000Z",
        end="2026-11-24T10:00:05.000Z",
        played=DurationMs(5000),
        result=PlayResult.COMPLETE,
        reason="",
        clock_trusted=True,
    )
    return Numbered(number, replace(record, **more))  # type: ignore[arg-type]


def changed(number: int) -> Numbered:
    return Numbered(
        number,
        StateChanged("2026-11-24T10:00:06.000Z", "changed", SyncState.SYNCED, "good", REF, None, "playing", "", True),
    )


def segment(*records: Numbered, number: int = 1, previous: Sha256 | None = None, dropped: int = 0) -> tuple[Statement, bytes]:
    return seal_segment(
        records, SIGNER, client=CLIENT, screen=SCREEN, chain=CHAIN, number=number, previous=previous, dropped=dropped
    )


def test_what_was_sealed_is_read_back() -> None:
    records = (played(1), changed(2), played(3, rule=None, result=PlayResult.FAILED, reason="no frames"))
    statement, data = segment(*records)
    found = open_segment(data, [KEY])
    assert found.records == records
    assert found.statement == statement
    assert (statement.date, statement.first, statement.last, statement.records) == ("2026-11-24", 1, 3, 3)


def test_the_same_records_give_the_same_bytes() -> None:
    assert segment(played(1), changed(2)) == segment(played(1), changed(2))


def test_ordinary_tools_read_it() -> None:
    _, data = segment(played(1), changed(2))
    text = zstd.decompress(data)
    kinds = [orjson.loads(line).get("kind") for line in text.splitlines()]
    assert kinds == [None, "play", "state"]
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not installed")
    unpacked = subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True)
    assert unpacked.stdout == text


def test_another_key_is_refused() -> None:
    stranger = public_key(public_key_text(Ed25519PrivateKey.generate().public_key()))
    with pytest.raises(TrustError, match="none of the keys"):
        open_segment(segment(played(1))[1], [stranger])


def test_changed_left_out_and_added_records_are_refused() -> None:
    _, data = segment(played(1), played(2))
    envelope, first, second = zstd.decompress(data).splitlines()
    for lines in ([first], [first, second, second], [second, first], [first, second.replace(b"VID-A", b"VID-B")], []):
        forged = zstd.compress(b"\n".join([envelope, *lines]) + b"\n")
        with pytest.raises(TrustError, match="not those that were signed"):
            open_segment(forged, [KEY])


def test_a_statement_that_counts_wrongly_is_refused() -> None:
    statement, data = segment(played(1), played(2))
    lines = zstd.decompress(data).partition(b"\n")[2]
    for wrong in (replace(statement, records=3), replace(statement, first=2), replace(statement, last=9)):
        forged = seal(wrong.payload(), PAYLOAD_TYPE, SIGNER) + b"\n" + lines
        with pytest.raises(TrustError, match="does not hold the records"):
            open_segment(zstd.compress(forged), [KEY])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        zstd.compress(b""),
        zstd.compress(b"{}\n"),
        zstd.compress(b"x" * 20_000 + b"\n"),
        zstd.compress(bytes(50_000_000)),
        bytes(MAX_STORED_BYTES + 1),
        segment(played(1))[1][:-3],
        segment(played(1))[1] + b"more",
    ],
)
def test_what_is_no_segment_is_refused_within_bounds(data: bytes) -> None:
    with pytest.raises(TrustError):
        open_segment(data, [KEY])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"n":0,"kind":"play"}',
        b'{"n":1,"kind":"dance"}',
        played(1).line().replace(b"VID-A", b"../etc"),
        played(1).line().replace(b'"playedMs":5000', b'"playedMs":-1'),
        played(1).line().replace(b'"complete"', b'"perfect"'),
        played(1).line().replace(b"{", b'{"more":1,', 1),
    ],
)
def test_a_line_that_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(FieldsError):
        parse_record(line)


@given(st.text(max_size=200), st.sampled_from(PlayResult), st.booleans(), st.integers(1, 2**53))
def test_every_record_survives_its_line(reason: str, result: PlayResult, trusted: bool, number: int) -> None:
    record = played(number, reason=reason, result=result, clock_trusted=trusted)
    assert parse_record(record.line()) == record
    assert record.line().count(b"\n") == 1


def chain(*ranges: tuple[int, int]) -> list[Statement]:
    found: list[Statement] = []
    for number, (first, last) in enumerate(ranges, start=1):
        previous = sha256_hex(found[-1].payload()) if found else None
        found.append(segment(*(played(n) for n in range(first, last + 1)), number=number, previous=previous)[0])
    return found


def test_a_whole_chain_has_no_gaps_in_whatever_order_it_is_read() -> None:
    statements = chain((1, 3), (4, 4), (5, 9))
    assert chain_gaps(reversed(statements)) == []


def test_missing_segments_records_and_exchanged_segments_are_told() -> None:
    first, second, third = chain((1, 3), (4, 4), (5, 9))
    assert chain_gaps([first, third]) == [
        f"{CHAIN}: the segments 2 to 2 are missing",
        f"{CHAIN}-00000003: the records 4 to 4 are missing",
    ]
    other = segment(played(4, reason="other"), number=2, previous=first.previous)[0]
    assert chain_gaps([first, other]) == [f"{CHAIN}-00000002: does not follow the segment before it"]
    assert chain_gaps(chain((1, 3), (7, 8))) == [f"{CHAIN}-00000002: the records 4 to 6 are missing"]
    torn = segment(played(1), played(4))[0]
    assert chain_gaps([torn]) == [f"{CHAIN}-00000001: 2 of its records are missing"]
    assert chain_gaps([second, third])[0] == f"{CHAIN}: the segments 1 to 1 are missing"


def test_a_segment_has_its_place_in_the_store() -> None:
    key = plays_key(CLIENT, SCREEN, date="2026-11-24", chain=CHAIN, number=42)
    assert key == "plays/CLI-ACME/SCR-ACME-1/date=2026-11-24/0123456789abcdef-00000042.jsonl.zst"


@pytest.mark.parametrize("text", ["", "0" * 15, "0" * 17, "../" + "0" * 13, "0123456789ABCDEF"])
def test_a_chain_has_a_strict_name(text: str) -> None:
    with pytest.raises(ValueError, match="chain"):
        chain_id(text)
