"""The JSON Schemas (Draft 2020-12) of what people write, made from the models: `python -m avtech_schema.json_schemas DIR`."""

import argparse
import ast
import inspect
import json
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from avtech_schema.examples import EXAMPLES, PARTS
from avtech_schema.resources import KINDS

DIALECT = GenerateJsonSchema.schema_dialect
_ANY = "avtech"
_ENVELOPE = {
    "apiVersion": "The version of this format.",
    "kind": "What the resource is:",
    "metadata": "Who the resource is.",
    "spec": "What the resource says.",
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each kind and of any kind, by file name (`screen.schema.json`, `avtech.schema.json`)."""
    schemas = {kind.lower(): _schema(kind, model) for kind, model in KINDS.items()}
    return {f"{name}.schema.json": schema for name, schema in {**schemas, _ANY: _any(schemas)}.items()}


def spelt(schema: Mapping[str, Any]) -> str:
    """The text of a schema's file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def stale(directory: Path) -> list[str]:
    """The names of the files in a directory that are missing, differ from what the models say, or should not be there."""
    wanted = {name: spelt(schema) for name, schema in json_schemas().items()}
    there = {path.name: path.read_text("utf-8") for path in sorted(directory.glob("*.json"))}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def _schema(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    made = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    for name, description in _ENVELOPE.items():
        made["properties"][name] = {**made["properties"][name], "description": description}
    made["properties"]["kind"]["description"] += f" `{kind}`."
    head = {"$schema": DIALECT, "$id": f"urn:avtech:schema:v1:{kind.lower()}", "title": kind}
    rest = {key: value for key, value in made.items() if key not in head}
    return {**head, **rest, "examples": [EXAMPLES[kind]]}


def _any(schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Whatever kind a document says it is; by `if`, so that an editor's messages speak of that kind alone."""
    kinds = list(KINDS)
    return {
        "$schema": DIALECT,
        "$id": f"urn:avtech:schema:v1:{_ANY}",
        "title": "AVTech",
        "description": "Any resource of the desired state.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"kind": {"enum": kinds}},
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": kind}}},
                "then": {"$ref": f"urn:avtech:schema:v1:{kind.lower()}"},
            }
            for kind in kinds
        ],
        "$defs": {kind: dict(schemas[kind.lower()]) for kind in kinds},
    }


class _Generator(GenerateJsonSchema):
    """Closes what pydantic leaves open, and says what its validators say."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Every field is described by the text below it, and every part has an example."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for owner in reversed(model.__mro__):
            if issubclass(owner, BaseModel) and owner is not BaseModel:
                for name, text in _texts_below_fields(owner).items():
                    made["properties"][model.model_fields[name].alias or name]["description"] = text
        if model.__name__ in PARTS:
            made["examples"] = [PARTS[model.__name__]]
        return made

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        """A mapping whose keys have a pattern admits no other keys."""
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made


def _texts_below_fields(model: type[BaseModel]) -> dict[str, str]:
    """The text that stands below each field of a model's own class, by the field's name."""
    classes = (node for node in ast.walk(_module(model.__module__)) if isinstance(node, ast.ClassDef))
    body = next(node.body for node in classes if node.name == model.__name__)
    found: dict[str, str] = {}
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
            case _:
                pass
    return found


@cache
def _module(name: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[name]))


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas to a directory, or check that they are those there."""
    parser = argparse.ArgumentParser(prog="python -m avtech_schema.json_schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which files are stale; exit 1 if any is")
    parser.add_argument("directory", type=Path, help="where the schemas lie, for example schema/json/v1")
    options = parser.parse_args(arguments)
    if options.check:
        found = stale(options.directory)
        sys.stderr.writelines(f"{options.directory / name} is stale\n" for name in found)
        return 1 if found else 0
    options.directory.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        (options.directory / name).write_text(spelt(schema), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
