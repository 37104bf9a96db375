"""Reading a store: bounded, conditional, and never mistaking a failure for an absence."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avtech_player.store import FailureKind, NotModified, Pace, Patience, RangeRefusedError, Stored, StoreError, open_store
from avtech_schema.errors import ConfigurationError
from tests.player.server import Server, serving


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "timestamp.json").write_bytes(b"tick")
    return tmp_path


@pytest.fixture
def server(root: Path) -> Iterator[Server]:
    with serving(root) as server:
        yield server


@pytest.fixture(params=["file", "http"])
def url(request: pytest.FixtureRequest, root: Path, server: Server) -> str:
    return f"file://{root}" if request.param == "file" else server.url


def test_an_object_is_read_with_its_etag_and_not_again_while_it_is_the_same(url: str) -> None:
    store = open_store(url, {})
    found = store.read("metadata/timestamp.json", limit=100)
    assert isinstance(found, Stored)
    assert found.data == b"tick"
    assert store.read("metadata/timestamp.json", limit=100, if_none_match=found.etag) == NotModified()


def test_a_changed_object_is_read_again(url: str, root: Path) -> None:
    store = open_store(url, {})
    found = store.read("metadata/timestamp.json", limit=100)
    assert isinstance(found, Stored)
    (root / "metadata" / "timestamp.json").write_bytes(b"tock!")
    again = store.read("metadata/timestamp.json", limit=100, if_none_match=found.etag)
    assert isinstance(again, Stored)
    assert again.data == b"tock!"


def test_an_absent_object_is_none(url: str) -> None:
    assert open_store(url, {}).read("metadata/9.root.json", limit=100) is None


def test_an_object_larger_than_the_limit_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="larger than the 3 bytes"):
        open_store(url, {}).read("metadata/timestamp.json", limit=3)


def test_a_stream_starts_where_it_is_asked_to(url: str) -> None:
    assert b"".join(open_store(url, {}).stream("metadata/timestamp.json", offset=2)) == b"ck"


def test_a_directory_that_is_not_there_is_a_failure_and_not_an_empty_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        open_store(f"file://{tmp_path}/nowhere", {}).read("metadata/timestamp.json", limit=100)


def test_an_unreachable_server_is_a_failure() -> None:
    with pytest.raises(StoreError):
        open_store("http://127.0.0.1:1", {}).read("metadata/timestamp.json", limit=100)


@pytest.mark.parametrize("status", [400, 403, 429])
def test_a_refusing_server_is_a_failure(server: Server, status: int) -> None:
    server.fail_with = status
    with pytest.raises(StoreError):
        open_store(server.url, {}).read("metadata/timestamp.json", limit=100)


def test_a_server_error_is_a_failure_after_one_more_try(server: Server) -> None:
    server.fail_with = 500
    with pytest.raises(StoreError):
        open_store(server.url, {}).read("metadata/timestamp.json", limit=100)
    assert len(server.requests) == 2


def test_a_server_without_ranges_says_so(server: Server) -> None:
    server.ignore_ranges = True
    with pytest.raises(RangeRefusedError):
        list(open_store(server.url, {}).stream("metadata/timestamp.json", offset=2))


def test_a_store_behind_http_cannot_be_written(server: Server) -> None:
    with pytest.raises(StoreError):
        open_store(server.url, {}).write("reports/x/latest.json", b"{}")


def test_a_directory_takes_a_report_over_the_one_before(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}", {})
    store.write("reports/CLI-ACME/SCR-A/latest.json", b"1")
    store.write("reports/CLI-ACME/SCR-A/latest.json", b"2")
    assert (tmp_path / "reports/CLI-ACME/SCR-A/latest.json").read_bytes() == b"2"


@pytest.mark.parametrize("key", ["../outside", "metadata/../../outside", "a//b"])
def test_a_key_cannot_leave_the_store(root: Path, key: str) -> None:
    (root.parent / "outside").write_bytes(b"secret")
    store = open_store(f"file://{root}", {})
    with contextlib.suppress(StoreError):
        assert store.read(key, limit=100) is None


def test_an_s3_address_with_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no setting 'endpont'"):
        open_store("s3://bucket/fleet?endpont=http://127.0.0.1:1", {})


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ENDPOINT_URL": "http://host:notaport"},
        {"AWS_ENDPOINT_URL_S3": "host:8333"},
        {"AWS_REGION": "eu central"},
        {"AWS_DEFAULT_REGION": "x\n"},
    ],
)
def test_what_the_aws_variables_add_to_an_address_is_checked_and_named(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=f"^{next(iter(environment))}: .* cannot be "):
        open_store("s3://bucket/fleet", environment)


def test_an_address_that_says_all_needs_no_variable() -> None:
    open_store("s3://bucket/x?endpoint=https://s3.example&region=auto", {"AWS_ENDPOINT_URL": "junk", "AWS_REGION": "a b"})


@pytest.mark.parametrize("url", ["s3://av tech/f", "s3://bucket/f?endpoint=ht!tp://x", "https://h:port/f", "https://[::1/f"])
def test_an_address_that_no_client_can_be_made_for_is_refused_wherever_it_comes_from(url: str) -> None:
    with pytest.raises(ConfigurationError, match="the store's address: "):
        open_store(url, {})


PANICKING = {"AWS_ACCESS_KEY_ID": "key\n", "AWS_SECRET_ACCESS_KEY": "x"}
"""The store's library panics over a header that cannot be sent."""


def test_a_panic_of_the_stores_library_is_a_failure_like_others() -> None:
    store = open_store("s3://bucket/fleet?endpoint=http://127.0.0.1:1", PANICKING)
    acts: list[Callable[[], object]] = [
        lambda: store.read("metadata/timestamp.json", limit=100),
        lambda: list(store.stream("objects/x", offset=0)),
        lambda: store.write("reports/x/latest.json", b"{}"),
        lambda: store.create("plays/x", b"{}"),
    ]
    for act in acts:
        with pytest.raises(StoreError, match="no request can be made") as caught:
            act()
        assert "AWS variables" in caught.value.hint
        assert "\n" not in str(caught.value)
    assert store.tally.failures[FailureKind.OTHER] == len(acts)


def test_a_transfer_that_trickles_is_noticed_after_its_grace() -> None:
    pace = Pace(0.0, Patience())
    assert not pace.too_slow(10.0, 10)
    assert pace.too_slow(20.0, 10)


def test_a_slow_but_steady_transfer_goes_on() -> None:
    pace = Pace(0.0, Patience())
    assert not any(pace.too_slow(float(second), 600) for second in range(1, 300))


def test_a_server_that_drips_is_given_up(server: Server) -> None:
    server.drip_seconds = 0.2
    (server.root / "slow").write_bytes(b"x" * 100)
    with pytest.raises(StoreError):
        open_store(server.url, {}, patience=Patience(small=0.5)).read("slow", limit=1000)


def test_an_object_is_created_once(root: Path) -> None:
    store = open_store(f"file://{root}", {})
    assert store.create("plays/a", b"first")
    assert not store.create("plays/a", b"second")
    assert (root / "plays" / "a").read_bytes() == b"first"


def test_nothing_is_created_over_http_or_nowhere(server: Server, root: Path) -> None:
    for url in (server.url, f"file://{root}/nowhere"):
        with pytest.raises(StoreError):
            open_store(url, {}).create("plays/a", b"first")
