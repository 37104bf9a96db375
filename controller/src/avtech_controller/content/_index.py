"""Reads what adding a clip depends on: the clients and the clips of the index.

Playlists may already name the clip that is about to be added, so that a desired state with broken references, or one with an
unfinished schedule, must not stand in the way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from avtech_controller.content._entry import FOLDER
from avtech_controller.desired import Origin, Source, SourceFile
from avtech_controller.desired._careful import read_carefully
from avtech_controller.desired._quick import read_quickly
from avtech_controller.desired._text import SyntaxProblem, decode, split
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import ClientId, VideoId
from avtech_schema.resources import Client, Fleet, Video

_HINT = "`avtech validate` shows every problem, each at its place"


@dataclass(slots=True)
class Index:
    """The clients, the clips, and the store that the Fleet names (None when it names none)."""

    store: str | None = None
    clients: dict[ClientId, Client] = field(default_factory=dict)
    videos: dict[VideoId, Video] = field(default_factory=dict)
    places: dict[VideoId, Origin] = field(default_factory=dict)
    """Where the entry of each clip stands; empty documents are not counted."""


def read_index(source: Source) -> Index:
    """Read the index, and of the rest only the Fleet and the clients.

    Raises:
        FindingsError: an entry of the index is not valid, or two have the same name: what is there cannot be told;
            or there is no file at all.
        SourceError: the source cannot be read.
    """
    index = Index()
    files = sorted(source.files(), key=lambda one: one.path)
    if not files:
        raise FindingsError(
            f"{source.root.absolute()} holds neither fleet/ nor content-index/", hint="name the repository: --repo DIR"
        )
    for file in files:
        in_index = file.path.startswith(f"{FOLDER}/")
        try:
            for number, document in enumerate(documents_of(file)):
                _take(index, document, Origin(file.path, number))
        except (SyntaxProblem, ValidationError, FindingsError) as error:
            if in_index:
                raise FindingsError(f"{file.path}: not a valid entry of the content index", hint=_HINT) from error
    return index


def documents_of(file: SourceFile) -> Iterator[dict[str, Any]]:
    """The documents of a file that are not empty.

    Raises:
        SyntaxProblem, FindingsError: it cannot be read, or one of them is not a resource.
    """
    if file.defect:
        raise FindingsError(f"{file.path}: {file.defect}")
    for segment in split(decode(file.data)):
        certain, value = read_quickly(segment)
        if not certain:
            tree = read_carefully(segment)
            value = tree.value if tree else None
        if isinstance(value, dict):
            yield value
        elif value is not None:
            raise FindingsError(f"{file.path}: not a resource")


def _take(index: Index, document: dict[str, Any], place: Origin) -> None:
    match document.get("kind"):
        case "Fleet":
            index.store = Fleet.model_validate(document).spec.store
        case "Client":
            client = Client.model_validate(document)
            index.clients[ClientId(client.metadata.name)] = client
        case "Video":
            video = Video.model_validate(document)
            if VideoId(video.metadata.name) in index.videos:
                raise FindingsError(f"{video.metadata.name} stands twice in the index")
            index.videos[VideoId(video.metadata.name)] = video
            index.places[VideoId(video.metadata.name)] = place
        case _:
            pass
