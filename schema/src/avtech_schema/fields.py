"""Reading JSON objects strictly without pydantic: what a device parses is checked field by field, and nothing is left over."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import orjson

T = TypeVar("T")


class FieldsError(ValueError):
    """A document is not of its format; the message names the document and the field."""


class Fields:
    """One JSON object whose fields are taken out one by one; `finish` refuses what was not asked for."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise FieldsError(f"{where}: expected an object, found {_kind(value)}")
        self._left: dict[str, Any] = dict(value)
        self.where = where

    @classmethod
    def parse(cls, data: bytes, where: str) -> "Fields":
        """Read JSON text.

        Raises:
            FieldsError: it is not JSON, or not an object.
        """
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise FieldsError(f"{where}: not JSON ({error})") from error
        return cls(value, where)

    def has(self, name: str) -> bool:
        """Whether the field is there and not yet taken."""
        return name in self._left

    def take(self, name: str) -> Any:
        """Take a required field, whatever it holds."""
        if name not in self._left:
            raise FieldsError(f"{self.where}: {name} is missing")
        return self._left.pop(name)

    def constant(self, name: str, wanted: str) -> None:
        """Take a field that has one allowed value."""
        if (value := self.take(name)) != wanted:
            raise FieldsError(f"{self.where}: {name} is {value!r:.80}, expected {wanted!r}")

    def text(self, name: str, *, limit: int = 10_000) -> str:
        """Take a text of at most `limit` characters."""
        value = self.take(name)
        if not isinstance(value, str) or len(value) > limit:
            raise FieldsError(f"{self.where}: {name} must be a text of at most {limit} characters")
        return value

    def integer(self, name: str, *, low: int = 0, high: int = 2**53) -> int:
        """Take a whole number from `low` to `high`."""
        value = self.take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise FieldsError(f"{self.where}: {name} must be a whole number from {low} to {high}, found {value!r:.80}")
        return value

    def boolean(self, name: str) -> bool:
        """Take true or false."""
        value = self.take(name)
        if not isinstance(value, bool):
            raise FieldsError(f"{self.where}: {name} must be true or false, found {value!r:.80}")
        return value

    def one(self, name: str, parse: Callable[[str], T]) -> T:
        """Take a text that `parse` accepts (it refuses by ValueError)."""
        value = self.text(name)
        try:
            return parse(value)
        except ValueError as error:
            raise FieldsError(f"{self.where}: {name}: {error}") from error

    def optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Take a text that `parse` accepts, or null."""
        if self._left.get(name, 0) is None:
            del self._left[name]
            return None
        return self.one(name, parse)

    def optional_integer(self, name: str, *, low: int = 0, high: int = 2**53) -> int | None:
        """Take a whole number from `low` to `high`, or null."""
        if self._left.get(name, 0) is None:
            del self._left[name]
            return None
        return self.integer(name, low=low, high=high)

    def sequence(self, name: str, *, limit: int = 1_000_000) -> list[Any]:
        """Take a list of at most `limit` elements."""
        value = self.take(name)
        if not isinstance(value, list) or len(value) > limit:
            raise FieldsError(f"{self.where}: {name} must be a list of at most {limit} elements")
        return value

    def texts(self, name: str, parse: Callable[[str], T]) -> tuple[T, ...]:
        """Take a list of texts that `parse` accepts."""
        found: list[T] = []
        for place, value in enumerate(self.sequence(name)):
            try:
                if not isinstance(value, str):
                    raise ValueError(f"expected a text, found {_kind(value)}")
                found.append(parse(value))
            except ValueError as error:
                raise FieldsError(f"{self.where}: {name}[{place}]: {error}") from error
        return tuple(found)

    def objects(self, name: str) -> Iterator["Fields"]:
        """Take a list of objects."""
        for place, value in enumerate(self.sequence(name)):
            yield Fields(value, f"{self.where}: {name}[{place}]")

    def object(self, name: str) -> "Fields":
        """Take one object."""
        return Fields(self.take(name), f"{self.where}: {name}")

    def optional_object(self, name: str) -> "Fields | None":
        """Take one object, or null."""
        value = self.take(name)
        return None if value is None else Fields(value, f"{self.where}: {name}")

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Take one object whose keys are names of the caller's choosing."""
        value = self.take(name)
        if not isinstance(value, dict):
            raise FieldsError(f"{self.where}: {name} must be an object, found {_kind(value)}")
        return value

    def finish(self) -> None:
        """Refuse fields that nobody asked for."""
        if self._left:
            raise FieldsError(f"{self.where}: unknown field {min(self._left)!r:.80}")


def _kind(value: object) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "a text"
        case bool():
            return "true or false"
        case None:
            return "null"
        case _:
            return "a number"
