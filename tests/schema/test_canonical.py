"""One JSON value has one spelling, and what has none is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtech_schema.canonical import canonical_bytes, sha256_hex

keys = st.text(st.characters(max_codepoint=127), max_size=8)
leaves = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)


@given(values)
def test_the_spelling_is_that_of_sorted_compact_json(value: Any) -> None:
    data = canonical_bytes(value)
    assert data == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert canonical_bytes(json.loads(data)) == data


@given(st.dictionaries(keys, leaves, max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical_bytes(dict(reversed(value.items()))) == canonical_bytes(value)


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        -0.0,
        float("nan"),
        float("inf"),
        2**53 + 1,
        10**30,
        {"é": 1},
        {1: 1},
        {"a": b""},
        {"a": {1}},
        "\ud800",
        {"\ud800": 1},
        deep(101),
        deep(100_000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_one_spelling_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_bytes(value)


def test_a_digest_is_sha256() -> None:
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
