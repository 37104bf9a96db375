"""Compilation is independent of the order, names, folders and division of the files: the same bytes for every screen."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from avtech_controller.compiler import compile_state
from avtech_controller.desired import load, open_source, require_state
from avtech_schema.manifest import parse_manifest
from tests.property.compile_strategies import documents

Document = dict[str, Any]
quick = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@dataclass(frozen=True)
class Layout:
    """Where documents stand: each file with its documents in order, and in which style each file is written."""

    files: dict[str, list[Document]]
    flow: dict[str, bool]

    def write(self, root: Path) -> None:
        for name, held in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                yaml.safe_dump_all(held, sort_keys=self.flow[name], default_flow_style=self.flow[name], explicit_start=True)
            )


def plain(held: list[Document]) -> Layout:
    """A file for each document, by its kind and name."""
    files = {f"{_root(one)}/{one['kind']}-{one['metadata']['name']}-{n}.yaml": [one] for n, one in enumerate(held)}
    return Layout(files, dict.fromkeys(files, False))


def _root(one: Document) -> str:
    return "content-index" if one["kind"] == "Video" else "fleet"


@st.composite
def layouts(draw: DrawFn, held: list[Document]) -> Layout:
    """The same documents in another order, in other files and folders, several of them in one file."""
    files: dict[str, list[Document]] = {}
    folders = st.sampled_from(["fleet", "fleet/CLI-B/deep/er", "fleet/CLI-A", "content-index", "content-index/x"])
    names = st.sampled_from(["a.yaml", "z.yml", "0.yaml", "Ä b.yaml"])
    for one in draw(st.permutations(held)):
        files.setdefault(f"{draw(folders)}/{draw(names)}", []).append(one)
    return Layout(files, {name: draw(st.booleans()) for name in files})


def compiled(layout: Layout) -> dict[str, bytes]:
    """The manifest of every screen as bytes, in the order they come."""
    with tempfile.TemporaryDirectory() as directory:
        layout.write(Path(directory))
        state = require_state(load(open_source(Path(directory))))
    return {name: screen.data for name, screen in compile_state(state).items()}


@quick
@given(st.data())
def test_the_order_and_layout_of_files_leave_every_manifest_byte_for_byte(data: st.DataObject) -> None:
    held = data.draw(documents())
    expected = compiled(plain(held))
    again = compiled(data.draw(layouts(held)))
    assert again == expected
    assert list(again) == list(expected)
    for name, manifest in expected.items():
        assert parse_manifest(manifest).canonical() == manifest
        assert parse_manifest(manifest).screen == name
