"""Fixtures that all parts share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.weed import S3Server, shared_server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, one per run; mark the tests that use it `s3`."""
    base = tmp_path_factory.getbasetemp()
    shared: Path = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with shared_server(shared / "weed") as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What commands remember, and the key of that, is kept out of the home of whoever runs the tests."""
    os.environ["AVTECH_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["AVTECH_CONFIG_DIR"] = str(tmp_path_factory.mktemp("config"))
