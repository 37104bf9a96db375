"""What pydantic found, in words for editors: one problem for each error, at its key or value, with the nearest right word."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from avtech_controller.desired._hints import (
    date_help,
    element_help,
    is_time,
    key_help,
    meant_days,
    respelt,
    rrule_help,
    time_help,
)
from avtech_controller.desired._spots import Mend, Path, Problem, Spot
from avtech_schema import identifiers, localtime
from avtech_schema.resources import API_VERSION, KINDS, Resource

_WORDS = {
    identifiers.CLIENT_PATTERN: "a client's name: CLI- and capital letters, digits and single hyphens, like CLI-ACME",
    identifiers.SCREEN_PATTERN: "a screen's name: SCR- and capital letters, digits and single hyphens, like SCR-ACME-0001",
    identifiers.VIDEO_PATTERN: "a clip's name: VID- and capital letters, digits and single hyphens, like VID-ACME-WELCOME",
    identifiers.SLUG_PATTERN: "a name of small letters, digits and single hyphens, like autumn-promo",
    identifiers.SHA256_PATTERN: "a SHA-256: 64 small hexadecimal digits",
    localtime.WALL_TIME_PATTERN: "a time of day from 00:00 to 23:59, like 08:30",
    localtime.UNTIL_TIME_PATTERN: "a time of day from 00:00 to 24:00, like 22:30",
    localtime.DATE_PATTERN: "a date, like 2026-12-24",
    localtime.BOUND_PATTERN: "a date, like 2026-12-24, or a local time, like 2026-12-24T18:30",
    r"^[A-Za-z0-9_+/-]{1,64}$": "a time zone, like Europe/Madrid",
    r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$": "width x height in pixels, like 1920x1080",
    r"^ed25519:[A-Za-z0-9+/]{43}=$": "a device key as `avtech-player enroll` prints it: ed25519: and 44 characters",
    r"^[1-9][0-9]*/[1-9][0-9]*$": "frames per second as a fraction, like 25/1",
    r"^(VID-[A-Z0-9-]+|[a-z0-9-]+)$": "the name of a clip (VID-…) or of a playlist",
    r"^[a-z0-9]([a-z0-9./-]{0,61}[a-z0-9])?$": "a label's key: small letters, digits, dots, slashes and hyphens, like floor",
}
_NAMES = (
    identifiers.CLIENT_PATTERN,
    identifiers.SCREEN_PATTERN,
    identifiers.VIDEO_PATTERN,
    identifiers.SLUG_PATTERN,
    r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$",
    r"^(VID-[A-Z0-9-]+|[a-z0-9-]+)$",
    r"^[a-z0-9]([a-z0-9./-]{0,61}[a-z0-9])?$",
)
_OTHER_WORDS = {
    "clip": "Video",
    "film": "Video",
    "display": "Screen",
    "player": "Screen",
    "check": "AirCheck",
    "plan": "Schedule",
}
"""What people call kinds of resources."""
_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "enum": "one of its words",
}


_FEW = 200
"""So many words are compared letter by letter; of more, only those that a quicker look finds alike."""


def nearest(word: str, words: Any) -> str | None:
    """The word most like another, when one is."""
    found = get_close_matches(word, [*words], n=1, cutoff=0.6)
    if found:
        return str(found[0])
    folded = {str(candidate).casefold(): str(candidate) for candidate in words}
    return folded.get(word.casefold())


def surely(word: str, words: Any) -> str | None:
    """The one word that another is a slip of: a letter or two aside, the same digits, and no other as near."""
    found = [candidate for candidate in words if candidate.casefold() == word.casefold()]
    if found:
        return str(found[0]) if len(found) == 1 else None
    limit = 1 if len(word) < 5 else 2
    close = [str(one) for one in words if abs(len(one) - len(word)) <= limit]
    if len(close) > _FEW:
        close = get_close_matches(word, close, n=3, cutoff=0.7)
    ranked = sorted((_slips(word, candidate), candidate) for candidate in close)
    if not ranked or ranked[0][0] > limit or (len(ranked) > 1 and ranked[1][0] == ranked[0][0]):
        return None
    best = ranked[0][1]
    return best if _is_slip(word, best) else None


def _is_slip(word: str, meant: str) -> bool:
    """Whether words differ as by a slip, not as names of different things do: by numbers, or by short parts of their own."""
    if re.sub(r"[^0-9]", "", word) != re.sub(r"[^0-9]", "", meant):
        return False
    ones, others = re.split(r"[-/_]", word), re.split(r"[-/_]", meant)
    if len(ones) != len(others):
        return len(word) > 5
    return all(max(len(a), len(b)) > 3 or sorted(a) == sorted(b) for a, b in zip(ones, others, strict=True) if a != b)


def _slips(one: str, other: str) -> int:
    """How many letters must be added, dropped, replaced or swapped with their neighbour to make one word of another."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, target in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != target))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == target:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def mend_for(word: str, words: Any) -> Mend | None:
    """The mend that writes the word that is surely meant."""
    found = surely(word, words)
    return Mend("word", found) if found else None


def did_you_mean(word: str, words: Any) -> str:
    """Help for a word that is not among others."""
    found = nearest(word, words)
    return f'did you mean "{found}"?' if found else ""


def validate(document: dict[Any, Any]) -> Resource | None:
    """The resource that a document is, when it is one without fault."""
    model = KINDS.get(document.get("kind", "")) if isinstance(document.get("kind"), str) else None
    if model is None:
        return None
    try:
        return model.model_validate(document)
    except ValidationError:
        return None


def problems(document: dict[str, Any], spot: Spot) -> Iterator[Problem]:
    """Everything that keeps a document from being a resource."""
    kind = document.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        yield _unknown_kind(document, spot)
        return
    try:
        model.model_validate(document)
    except ValidationError as error:
        found = [_problem(details, model, spot, document) for details in error.errors(include_url=False)]
        unknown = [one for one in found if one.code == "AVT122"]
        renamed = {(one.spot.path[:-1], one.mend.word) for one in unknown if one.mend}
        renamed |= {(one.spot.path[:-1], "play") for one in unknown if one.spot.path[-1] in ("clip", "playlist")}
        yield from (one for one in found if one.code != "AVT123" or (one.spot.path, one.label.split("`")[1]) not in renamed)


def _unknown_kind(document: dict[str, Any], spot: Spot) -> Problem:
    kind = document.get("kind")
    kinds = ", ".join(KINDS)
    if "kind" not in document:
        near = nearest("kind", [key for key in document if key not in ("metadata", "spec", "apiVersion")])
        hint = f'did you mean `kind` instead of "{near}"?' if near else f"kinds are {kinds}"
        return Problem("AVT120", "`kind` is missing", spot, label="a resource names its kind", help=hint)
    found = f'"{kind[:60]}"' if isinstance(kind, str) else _found(kind)
    hint = did_you_mean(kind, KINDS) if isinstance(kind, str) else ""
    if isinstance(kind, str) and (other := _OTHER_WORDS.get(kind.lower())):
        hint = f'did you mean "{other}"?'
    mend = mend_for(kind, KINDS) if isinstance(kind, str) else None
    here = spot.value("kind")
    return Problem("AVT120", f"{found} is not a kind of resource", here, label=f"kinds are {kinds}", help=hint, mend=mend)


def _problem(details: ErrorDetails, model: type[BaseModel], spot: Spot, document: dict[str, Any]) -> Problem:
    path: Path = tuple(step for step in details["loc"] if step != "[key]")
    at_key = "[key]" in details["loc"]
    here = spot.key(*path) if at_key else spot.value(*path)
    name = ".".join(str(step + 1 if isinstance(step, int) else step) for step in path) or "the document"
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if path == ("apiVersion",):
        where = here if kind != "missing" else spot
        message = "`apiVersion` is missing" if kind == "missing" else f"`apiVersion` is {_found(value)}"
        return Problem("AVT121", message, where, f"expected {API_VERSION}", help=f"write `apiVersion: {API_VERSION}`")
    match kind:
        case "extra_forbidden":
            return _unknown_key(path, model, spot, _keys_there(document, path[:-1]))
        case "missing":
            return Problem("AVT123", f"`{name}` is missing", spot.value(*path[:-1]), label=f"`{path[-1]}` is required here")
        case "literal_error" | "enum":
            return _not_allowed(name, value, str(context.get("expected", "")), here)
        case "value_error":
            text = str(context.get("error", details["msg"]))
            if isinstance(value, dict):
                return _contradiction(f"{name}: {text}", text, value, here)
            if text.startswith(("day is out of range", "month must be")):
                return Problem("AVT126", f"{name} is {_found(value)}, which is no day of the calendar", here)
            if path[-1:] == ("rrule",):
                return Problem("AVT303", f"{name}: {text}", here, help=rrule_help(value))
            return Problem("AVT126", f"{name}: {text}", here)
        case _ if kind in _TYPES:
            return _wrong_type(name, details, here)
        case _:
            return _misspelt(name, details, here)


def _contradiction(message: str, text: str, value: dict[Any, Any], here: Spot) -> Problem:
    """Values that make no sense together: the caret stands under the first that is spoken of, the second is related."""
    spoken = [str(word) for word in re.findall(r"`([A-Za-z]+)", text) if word in value]
    quoted = [str(key) for key, word in value.items() if isinstance(word, str) and f"'{word[:80]}'" in text]
    if quoted:  # the values themselves are told, and no key need be looked for among the words
        spoken += [*quoted, *(str(key) for key, word in value.items() if isinstance(word, str) and f" {word[:10]} " in text)]
    else:
        spoken += [str(key) for key in value if isinstance(key, str) and re.search(rf"\b{re.escape(key)}\b", text)]
    first, *others = dict.fromkeys(spoken) or [None]
    if first is None:
        return Problem("AVT127", message, here)
    related = tuple((here.value(key), "this is the other") for key in others[:1] if key)
    return Problem("AVT127", message, here.value(first), "makes no sense with the rest", related)


def _keys_there(document: Any, path: Path) -> list[str]:
    """The keys that a document has at a path."""
    here = document
    for step in path:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            return []
    return [str(key) for key in here] if isinstance(here, dict) else []


def _unknown_key(path: Path, model: type[BaseModel], spot: Spot, there: list[str]) -> Problem:
    known = _keys_at(model, path[:-1])
    word = str(path[-1])
    help_ = key_help(word, known) or did_you_mean(word, known) or (f"keys here are {', '.join(known)}" if known else "")
    mend = mend_for(word, known)
    mend = None if mend and mend.word in there else mend
    return Problem("AVT122", f'unknown key "{word[:60]}"', spot.key(*path), label="means nothing here", help=help_, mend=mend)


def _not_allowed(name: str, value: object, expected: str, here: Spot) -> Problem:
    words = re.findall(r"'([^']*)'", expected)
    allowed = ", ".join(words) or expected
    help_ = did_you_mean(value, words) if isinstance(value, str) else ""
    mend = mend_for(value, words) if isinstance(value, str) else None
    if "mon" in words and isinstance(value, str) and (days := meant_days(value)):
        help_ = f'did you mean "{days[0]}"?' if len(days) == 1 else f"write each day: {', '.join(days)}"
        mend = Mend("word", days[0]) if len(days) == 1 else None
    return Problem("AVT125", f"{name} is {_found(value)}", here, label=f"allowed: {allowed}", help=help_, mend=mend)


def _wrong_type(name: str, details: ErrorDetails, here: Spot) -> Problem:
    kind, value = details["type"], details["input"]
    expected = _TYPES[kind]
    help_, mend = "", None
    if kind == "string_type" and here.path[-1:] in (("from",), ("until",)) and isinstance(value, int | float):
        help_ = 'write a time in quotes, like "08:30"'
    elif kind == "string_type" and isinstance(value, int | float):
        help_ = f'write it in quotes: "{str(value).lower()}"' if isinstance(value, int) else "write it in quotes"
        mend = Mend("quote")
    elif kind == "int_type" and isinstance(value, str) and re.fullmatch(r"[0-9]+", value):
        help_, mend = "write it without quotes", Mend("unquote")
    elif kind == "list_type" and here.path[-1:] == ("days",) and isinstance(value, str) and (days := meant_days(value)):
        help_ = f"write a list: [{', '.join(days)}]"
    elif kind == "list_type" and here.path == ("spec", "screens"):
        help_ = "a group lists screens by name, `screens: [SCR-…]`; `matchLabels` stands beside that, right below `spec`"
    elif kind == "list_type":
        help_ = "write each element on its own line after `- `"
    elif kind == "bool_type":
        help_ = "write true or false (yes, no, on and off are plain words)"
    elif here.path[-1:] == ("screens",) and isinstance(value, list):
        help_ = "write `screens: {names: [SCR-…]}`, or `groups` or `matchLabels` instead of `names`"
    elif expected == "a mapping":
        within = str(here.path[-2]) if len(here.path) > 1 and isinstance(here.path[-1], int) else ""
        help_ = element_help(value, within) or "write its keys below it, indented, each as `key: value`"
    found = f"{name} is {_found(value)}, expected {expected}"
    return Problem("AVT124", found, here, label=f"expected {expected}", help=help_, mend=mend)


def _misspelt(name: str, details: ErrorDetails, here: Spot) -> Problem:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    help_, mend = "", None
    match kind:
        case "string_pattern_mismatch":
            pattern = context.get("pattern", "")
            expected = _WORDS.get(pattern, "another spelling")
            help_, mend = _respelt(str(value), pattern)
            help_ = _elsewhere(str(value), here.path) or help_
        case "greater_than_equal":
            expected = f"at least {context['ge']}"
        case "less_than_equal":
            expected = f"at most {context['le']}"
        case "string_too_short" | "too_short":
            expected = f"at least {context['min_length']} {'character' if kind.startswith('string') else 'element'}"
        case "string_too_long":
            expected = f"at most {context['max_length']} characters"
        case _:
            expected = " ".join(details["msg"].split())
    code = "AVT128" if here.path == ("metadata", "name") else "AVT126"
    return Problem(code, f"{name} is {_found(value)}", here, label=f"expected {expected}", help=help_, mend=mend)


def _respelt(value: str, pattern: str) -> tuple[str, Mend | None]:
    """What a word that does not fit a pattern was meant to be, and whether that is sure."""
    if is_time(pattern):
        sure = bool(re.fullmatch(r"[0-9]:[0-5][0-9](:[0-5][0-9])?", value))
        return time_help(value, pattern), Mend("word", f"0{value}") if sure else None
    if pattern in (localtime.DATE_PATTERN, localtime.BOUND_PATTERN):
        return date_help(value, with_time=pattern == localtime.BOUND_PATTERN), None
    spelt = respelt(value, pattern) if pattern in _NAMES else None
    if spelt is None:
        return "", None
    return f'did you mean "{spelt}"?', Mend("word", spelt) if spelt.casefold() == value.casefold() else None


def _elsewhere(value: str, path: Path) -> str:
    """Help for a name that is right, but not for this place."""
    steps = [step for step in path if isinstance(step, str)]
    match steps[-1:]:
        case ["play"] if value.startswith("VID-"):
            return "a rule plays a playlist: put the clip into one, and name that"
        case ["groups"] if value.startswith("SCR-"):
            return "this is a screen's name: write it in `names`"
        case ["names"] if re.fullmatch(identifiers.SLUG_PATTERN, value):
            return "if this is a group, write it in `groups`"
        case ["clip"] if value.lower().endswith((".mp4", ".mov", ".webm")):
            return "name its entry in content-index/, VID-…, not the file; `avtech content list` shows all"
        case ["clip"] if re.fullmatch(identifiers.SLUG_PATTERN, value) and not value.startswith("vid-"):
            return f"if this is a playlist, write `playlist: {value}`"
        case _:
            return ""


def _found(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {str(value)[:30]}"
        case str():
            return f'"{value[:60]}{"…" if len(value) > 60 else ""}"'
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "a mapping"


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that a model has at a path, as they are written."""
    here: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int) or here is None:
            continue
        here = next((_model_in(field.annotation) for field in here.model_fields.values() if field.alias == step), None)
    return [field.alias or "" for field in here.model_fields.values()] if here else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model within an annotation like `list[X] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list) or hasattr(annotation, "__metadata__"):
        return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
    return None
