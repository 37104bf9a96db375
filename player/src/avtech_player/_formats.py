"""Reading a settings file as YAML 1.2 or TOML, each key with its place.

A running player reads none, so it does without what this module imports.
"""

import re
import tomllib
from typing import Any

import yaml

from avtech_player._document import Document, Place
from avtech_schema.errors import ConfigurationError


def read_document(data: bytes, where: str) -> Document:
    """Read settings; a name that ends in `.toml` is TOML, any other is YAML.

    Raises:
        ConfigurationError: it is malformed, or not keys and values.
    """
    return _toml(data, where) if where.endswith(".toml") else _yaml(data, where)


def read_scalar(text: str, where: str) -> Any:
    """Read one value, as a variable of the environment holds it.

    Raises:
        ConfigurationError: it is not YAML.
    """
    return _load(text, where)


def _yaml(data: bytes, where: str) -> Document:
    value = _load(data, where)
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ConfigurationError(f"{where}: expected keys and values")
    node: Any = yaml.compose(data, Loader=_CoreLoader)
    places = {
        key.value: Place(where, inner.start_mark.line + 1, inner.start_mark.column + 1)
        for key, inner in node.value
        if isinstance(key, yaml.ScalarNode)
    }
    return Document(value, places)


def _toml(data: bytes, where: str) -> Document:
    try:
        text = data.decode()
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where}: not TOML: {' '.join(str(error).split())[:300]}") from error
    if not value:
        raise ConfigurationError(f"{where}: expected keys and values")
    places: dict[str, Place] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r'\s*\[?\s*"?([A-Za-z0-9_-]+)"?\s*[=\].]\s*', line):
            places.setdefault(found[1], Place(where, number, found.end() + 1))
    return Document(value, places)


class _CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core scalars, and no key twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted(name for name in set(names) if names.count(name) > 1):
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]!r:.80} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"^(true|false)$", "tf"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(null|~|)$", ["n", "~", ""]),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _load(text: str | bytes, where: str) -> Any:
    try:
        return yaml.load(text, Loader=_CoreLoader)  # noqa: S506  a safe loader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(where, mark.line + 1, mark.column + 1) if mark else Place(where)
        raise ConfigurationError(f"{place}: not YAML: {' '.join(str(error.problem).split())[:300]}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where}: not YAML: {' '.join(str(error).split())[:300]}") from error
