"""The settings that a file holds: their values, and the place of each key for whoever must mend it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where a setting stands: a line and a column, counted from 1, of `where`; 0 is unknown."""

    where: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.where}:{self.line}:{self.column}" if self.line else self.where


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a file's keys, and their places."""

    values: dict[str, Any]
    places: Mapping[str, Place] = field(default_factory=dict)
