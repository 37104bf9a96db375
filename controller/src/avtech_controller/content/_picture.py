"""Writes the picture of a clip into its entry, wherever that stands, and leaves everything else as people wrote it."""

from pathlib import Path
from typing import Any

import yaml

from avtech_controller.content._index import documents_of
from avtech_controller.desired import Origin, SourceFile
from avtech_controller.desired._text import SyntaxProblem
from avtech_controller.durable import replace_file
from avtech_schema.errors import FindingsError
from avtech_schema.resources import Thumbnail, Video

MAX_ENTRY_BYTES = 1 << 20


def note_picture(repo: Path, origin: Origin, wanted: Video) -> bool:
    """Have an entry name the `thumbnail` of `wanted`; False where the file then would not say just that, and is left alone.

    Raises:
        OSError: the file cannot be read or written.
    """
    path = repo / origin.file
    picture = wanted.spec.thumbnail
    if picture is None or path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_ENTRY_BYTES:
        return False
    data = path.read_bytes()
    try:
        text = data.decode()
        before = list(documents_of(SourceFile(origin.file, data)))
        changed = _with_picture(text, before, origin.document, picture).encode()
        after = list(documents_of(SourceFile(origin.file, changed)))
        noted = Video.model_validate(after[origin.document])
    except (ValueError, IndexError, RecursionError, yaml.YAMLError, FindingsError, SyntaxProblem):
        return False
    others = [place for place in range(len(before)) if place != origin.document]
    if noted != wanted or len(after) != len(before) or any(before[place] != after[place] for place in others):
        return False
    replace_file(path, changed)
    return True


def _with_picture(text: str, documents: list[dict[str, Any]], number: int, picture: Thumbnail) -> str:
    """The text of a file whose document of that number names a picture.

    Raises:
        ValueError: the place for it cannot be found.
    """
    nodes = [node for node in yaml.compose_all(text, yaml.SafeLoader) if not _is_nothing(node)]
    if len(nodes) != len(documents):
        raise ValueError("the documents cannot be told apart")
    spec = _value(nodes[number], "spec")
    known = _find(spec, "thumbnail")
    if known is not None:
        return _replaced(text, known[1], picture)
    key, value = _entry(spec, "originalName")
    if isinstance(spec, yaml.CollectionNode) and spec.flow_style:
        end = value.end_mark.index
        return f"{text[:end]}, thumbnail: {_flow(picture)}{text[end:]}"
    return _with_lines(text, value.end_mark.index, " " * key.start_mark.column, picture)


def _with_lines(text: str, after: int, indent: str, picture: Thumbnail) -> str:
    """The picture on lines of its own below that of a character."""
    newline = "\r\n" if "\r\n" in text else "\n"
    end = text.find("\n", after - (text[after - 1] == "\n"))
    head, tail = (text + newline, "") if end < 0 else (text[: end + 1], text[end + 1 :])
    lines = ("thumbnail:", f'  sha256: "{picture.sha256}"', f"  sizeBytes: {picture.size_bytes}")
    return head + "".join(f"{indent}{line}{newline}" for line in lines) + tail


def _replaced(text: str, known: yaml.Node, picture: Thumbnail) -> str:
    """Other values in the place of those of a picture that is named already."""
    edits = (
        (_value(known, "sha256"), f'"{picture.sha256}"'),
        (_value(known, "sizeBytes"), str(picture.size_bytes)),
    )
    for node, value in sorted(edits, key=lambda edit: -edit[0].start_mark.index):
        text = text[: node.start_mark.index] + value + text[node.end_mark.index :]
    return text


def _flow(picture: Thumbnail) -> str:
    return f'{{sha256: "{picture.sha256}", sizeBytes: {picture.size_bytes}}}'


def _is_nothing(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.value == "" and node.style is None)


def _find(node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(((key, value) for key, value in pairs if isinstance(key, yaml.ScalarNode) and key.value == name), None)


def _entry(node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node]:
    found = _find(node, name)
    if found is None:
        raise ValueError(f"there is no {name}")
    return found


def _value(node: yaml.Node, name: str) -> yaml.Node:
    return _entry(node, name)[1]
