"""The files an import writes: playlists, a schedule, and the client, screen and fallback where there are none."""

from dataclasses import replace
from typing import Any

from avtech_controller.content import Addition, Inline, document_text, entry_path, entry_text
from avtech_controller.importing._assets import ALL_DAYS
from avtech_controller.importing._place import Place
from avtech_controller.importing._programme import Block, Item, Programme, Validity, clock, days_of
from avtech_schema.identifiers import ClientId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.resources import API_VERSION

Files = dict[str, str]
"""Texts by their path from the root of the repository."""


def recognised(place: Place, *, modelines: bool) -> Place:
    """The place as it was for an earlier run of the same import: what that run wrote, and nobody changed, counts as new."""
    if _is_ours(place, _client(place), modelines=modelines):
        place = replace(place, new_client=True, has_fallback=False)
    if _is_ours(place, _screen(place), modelines=modelines):
        place = replace(place, new_screen=True)
    return place


def _is_ours(place: Place, document: dict[str, Any], *, modelines: bool) -> bool:
    text = _text(place, document, modelines=modelines)
    try:
        with (place.repo / _path(place, document)).open("rb") as stream:
            return stream.read(len(text.encode()) + 1) == text.encode()
    except OSError:
        return False


def resource_files(place: Place, programme: Programme, *, modelines: bool) -> Files:
    """The resources of an import; `modelines` says where editors find the schemas of the repository."""
    names = {block.label: f"{place.name}-{block.label}" for block in programme.blocks}
    documents = [_schedule(place, programme, names)]
    documents += [_playlist(place, names[block.label], block.items) for block in programme.blocks]
    if place.new_client:
        documents.append(_client(place))
    if place.new_screen:
        documents.append(_screen(place))
        if not place.has_fallback:
            first = min(
                (item for block in programme.blocks for item in block.items), key=lambda item: item.carried.asset.play_order
            )
            documents.append(_playlist(place, fallback_name(place), (Item(first.carried, Validity()),)))
    return {_path(place, document): _text(place, document, modelines=modelines) for document in documents}


def entry_files(additions: tuple[Addition, ...], *, modelines: bool) -> Files:
    """The entries of the content index that are new."""
    heading = "# yaml-language-server: $schema=../../schema/json/v1/video.schema.json" if modelines else ""
    new = (addition for addition in additions if addition.state == "new")
    return {str(entry_path(ClientId(one.video.spec.client), one.name)): entry_text(one.video, heading=heading) for one in new}


def fallback_name(place: Place) -> str:
    """The fallback playlist of a screen whose client has none."""
    return f"{place.name}-fallback"


def _schedule(place: Place, programme: Programme, names: dict[str, str]) -> dict[str, Any]:
    spec = {
        "client": place.client,
        "title": "Imported from an Anthias device",
        "screens": {"names": Inline([place.screen])},
        "rules": [_rule(block, names[block.label]) for block in programme.blocks],
    }
    return _document("Schedule", place.name, spec)


def _rule(block: Block, playlist: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"play": playlist}
    if block.window.days != ALL_DAYS:
        rule["days"] = Inline(days_of(block.window))
    if block.window.span is not None:
        start, until = block.window.span
        rule |= {"from": clock(start), "until": clock(until or DAY_SECONDS)}
    rule |= _bounds(block.validity)
    if block.weight != 1:
        rule["weight"] = block.weight
    return rule


def _playlist(place: Place, name: str, items: tuple[Item, ...]) -> dict[str, Any]:
    turns = [{"clip": item.clip, **_bounds(item.validity)} for item in items]
    return _document("Playlist", name, {"client": place.client, "items": turns})


def _client(place: Place) -> dict[str, Any]:
    return _document("Client", place.client, {"title": place.client, "timeZone": place.zone})


def _screen(place: Place) -> dict[str, Any]:
    spec = {"client": place.client, "title": "Imported from an Anthias device", "timeZone": place.zone}
    if not place.has_fallback:
        spec["fallback"] = fallback_name(place)
    return _document("Screen", place.screen, spec)


def _bounds(validity: Validity) -> dict[str, str]:
    bounds = {"validFrom": validity.first, "validUntil": validity.last}
    return {key: text for key, text in bounds.items() if text is not None}


def _document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _path(place: Place, document: dict[str, Any]) -> str:
    folder = f"fleet/{place.client}"
    if document["kind"] == "Client":
        return f"{folder}/client.yaml"
    return f"{folder}/{document['kind'].lower()}s/{document['metadata']['name']}.yaml"


def _text(place: Place, document: dict[str, Any], *, modelines: bool) -> str:
    up = "../" * (_path(place, document).count("/"))
    schema = f"# yaml-language-server: $schema={up}schema/json/v1/{document['kind'].lower()}.schema.json"
    return document_text(document, heading=schema if modelines else "")
