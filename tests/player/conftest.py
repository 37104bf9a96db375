"""Fixtures of the player's tests."""

from collections.abc import Iterator

import pytest

from tests.display import Eyes, virtual_display


@pytest.fixture
def x_display() -> Iterator[str]:
    """The name of a virtual display of one's own; mark the tests that use it `display`."""
    with virtual_display() as name:
        yield name


@pytest.fixture
def eyes(x_display: str) -> Iterator[Eyes]:
    """Who looks at that display."""
    looking = Eyes(x_display)
    yield looking
    looking.close()
