"""One entry of the content index: its name, its place, and the text that people read and edit afterwards."""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Any

import yaml

from avtech_controller.content._errors import ContentCode, ContentError
from avtech_schema.identifiers import MAX_NAME_LENGTH, ClientId, VideoId, video_id
from avtech_schema.resources import Video

FOLDER = "content-index"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*([ _./+-][A-Za-z0-9]+)*")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def default_name(client: ClientId, stem: str) -> VideoId:
    """The name a clip gets from its file's: `otoño venta` of CLI-ACME becomes VID-ACME-OTONO-VENTA.

    Raises:
        ContentError: the file's name has no letter or digit to make one of, or is too long.
    """
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().upper()
    words = re.findall(r"[A-Z0-9]+", plain)
    if not words:
        raise ContentError(ContentCode.NAME, f"{stem!r:.80} gives no name", hint=f"name the clip: --name VID-{client[4:]}-…")
    name = "-".join(("VID", client.removeprefix("CLI-"), *words))
    if len(name) > MAX_NAME_LENGTH:
        raise ContentError(
            ContentCode.NAME,
            f"{stem:.80}: the name {name:.80} would be longer than {MAX_NAME_LENGTH} characters",
            hint=f"give a shorter one: --name VID-{client[4:]}-…",
        )
    return video_id(name)


def default_title(stem: str) -> str:
    """A title for humans from a file's name: `autumn-sale` becomes `Autumn sale`."""
    words = " ".join(re.split(r"[\s_-]+", unicodedata.normalize("NFC", stem))).strip()
    printable = "".join(character for character in words if character.isprintable())[:200]
    return printable[:1].upper() + printable[1:]


def entry_path(client: ClientId, name: VideoId) -> PurePosixPath:
    """Where an entry is written, from the repository's root."""
    return PurePosixPath(FOLDER, client, f"{name}.yaml")


def entry_text(video: Video, *, heading: str = "") -> str:
    """Spell an entry: the order people read in, and quotes around whatever a YAML reader might take for another type.

    `heading` is a comment for the first line, such as an editor's modeline.
    """
    document = video.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=False)
    if not document["metadata"].get("labels"):
        document["metadata"].pop("labels", None)
    return document_text(document, heading=heading)


def document_text(document: dict[str, Any], *, heading: str = "") -> str:
    """Spell any resource as `entry_text` spells an entry; a list that is `Inline` stands on one line."""
    spelt = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return (f"{heading}\n" if heading else "") + spelt


class Inline(list[str]):
    """A list that people read best on one line, such as weekdays."""


class _Dumper(yaml.SafeDumper):
    """Writes texts plainly only when no YAML reader, old or new, can take them for something else, and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and not _HEXADECIMAL.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _add_representer(kind: type[Any], represent: Any) -> None:
    _Dumper.add_representer(kind, represent)


def _inline(dumper: yaml.SafeDumper, texts: Inline) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", texts, flow_style=True)


_add_representer(str, _text)
_add_representer(Inline, _inline)
