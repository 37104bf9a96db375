"""The registry of findings: every code, whether it stops a publication, and what it means (docs/reference/findings.md)."""

from dataclasses import dataclass

from avtech_controller.findings import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding: its stable code, its severity, its title, and what it means and what to do."""

    code: str
    severity: Severity
    title: str
    explanation: str


_E, _W = Severity.ERROR, Severity.WARNING

_ALL = (
    # 1xx: the files and their text
    Code("AVT101", _E, "not YAML", "The file cannot be read as YAML; the caret shows where reading stopped."),
    Code("AVT102", _E, "no resource", "The file holds no resource. Delete it, or write one into it."),
    Code("AVT103", _E, "not UTF-8", "The file is not UTF-8 text. Save it as UTF-8."),
    Code("AVT104", _E, "control character", "The file holds a character that text does not have, for example a NUL byte."),
    Code("AVT105", _E, "file too large", "A file may have 1 MiB. Spread its resources over several files."),
    Code("AVT106", _E, "too complex", "The document is nested too deeply, or has too many parts, aliases or documents."),
    Code("AVT107", _E, "duplicate key", "A key stands twice in one mapping; which of the two is meant cannot be known."),
    Code("AVT108", _E, "key is not text", "A key is a list, a mapping, a number, true, false or null; keys are text."),
    Code(
        "AVT109",
        _E,
        "YAML feature not used here",
        "Tags (!x), directives (%x) and merge keys (<<) are not part of AVTech's YAML.",
    ),
    Code("AVT110", _E, "not a mapping", "A document is one resource: a mapping with apiVersion, kind, metadata and spec."),
    Code("AVT111", _E, "symbolic link", "Links are not followed. Put the file itself here."),
    Code("AVT112", _E, "unreadable file", "The file could not be read, or is not a regular file."),
    Code("AVT113", _E, "tab", "YAML is indented with spaces, never with tabs."),
    Code("AVT114", _E, "number not usable", "Infinity, not-a-number and numbers beyond 2^53 have no meaning here."),
    Code("AVT115", _E, "stray document marker", "A line `---` cuts a resource in two. Delete the line."),
    Code(
        "AVT116",
        _W,
        "overlooked file",
        "The file seems to hold resources, but is not read: only *.yaml and *.yml below fleet/ and content-index/ are.",
    ),
    Code("AVT120", _E, "unknown kind", "`kind` is missing, or is none of the kinds of docs/reference/resources.md."),
    Code("AVT121", _E, "unknown apiVersion", "`apiVersion` is missing or is not `avtech/v1`."),
    Code("AVT122", _E, "unknown key", "The key means nothing here; it is misspelt or stands at the wrong level."),
    Code("AVT123", _E, "missing key", "A required key is not there."),
    Code("AVT124", _E, "wrong type", "The value is of another type than the key needs, for example a number instead of text."),
    Code("AVT125", _E, "not an allowed value", "The key allows certain words only."),
    Code(
        "AVT126",
        _E,
        "out of range or misspelt",
        "The value is of the right type, but too large, too small or not spelt as it should be.",
    ),
    Code("AVT127", _E, "contradiction", "Several values that are each fine make no sense together."),
    Code(
        "AVT128",
        _E,
        "name of another kind",
        "The name does not fit the kind: CLI-…, SCR-…, VID-…, or small letters and hyphens.",
    ),
    Code("AVT129", _W, "more findings", "The file has more findings than are shown. Correct those first."),
    # 2xx: references between resources
    Code("AVT201", _E, "unknown client", "The client does not exist."),
    Code("AVT202", _E, "unknown screen", "The screen does not exist."),
    Code("AVT203", _E, "unknown group", "The client has no such group."),
    Code("AVT204", _E, "unknown playlist", "The client has no such playlist."),
    Code("AVT205", _E, "unknown clip", "The content index has no such clip."),
    Code(
        "AVT206",
        _E,
        "name used twice",
        "Two resources of one kind (and, where names are per client, of one client) share a name.",
    ),
    Code("AVT207", _E, "no Fleet", "One resource of the kind Fleet must stand in fleet/fleet.yaml."),
    Code("AVT208", _E, "more than one Fleet", "Exactly one resource of the kind Fleet may exist."),
    Code("AVT209", _E, "no screens", "The desired state names no screen. An empty answer is never trusted."),
    Code("AVT210", _E, "another client's resource", "A resource refers only to resources of its own client."),
    Code("AVT211", _E, "playlist contains itself", "Nested playlists form a circle."),
    Code(
        "AVT212",
        _W,
        "folder of another client",
        "The file lies in one client's folder but speaks of another; CODEOWNERS follow folders.",
    ),
    Code("AVT213", _E, "unknown time zone", "The time zone is not in the IANA database."),
    Code("AVT214", _W, "selects no screen", "A schedule or group selects no screen, so it has no effect."),
    Code("AVT215", _W, "move without effect", "An entry of `moved` names a screen that is still there, or one that is not."),
    Code(
        "AVT216",
        _W,
        "looks like a rename",
        "A screen went and another came that is like it; without `moved`, plans count both.",
    ),
    Code("AVT217", _W, "outdated time zone", "The time zone is named as in old programs; newer ones may not know the name."),
    # 3xx: airtime
    Code("AVT301", _E, "air check failed", "What is on air at that instant is not what the air check says."),
    Code(
        "AVT302", _E, "screen could go black", "The screen has neither a rule nor a fallback playlist, its own or its client's."
    ),
    Code("AVT303", _E, "rrule not usable", "The recurrence is not RFC 5545, or has parts finer than a day."),
    Code("AVT304", _W, "rule never plays", "A rule cannot be on air on any day."),
    Code("AVT305", _W, "screen could go black at times", "There are times at which nothing can play on the screen."),
    Code("AVT306", _W, "clocks are changed meanwhile", "A change of the clocks in the next 400 days alters a rule's window."),
    Code("AVT307", _W, "rule always covered", "On all its screens, rules of higher priority cover all the time of a rule."),
    Code("AVT308", _W, "air without clips", "A rule goes on after the rights or the validity of all its clips have ended."),
    Code("AVT309", _W, "gap in power hours", "The panel is on and no rule is: only the fallback plays."),
    Code("AVT310", _W, "screen without schedule", "No schedule of the client reaches the screen: only the fallback plays."),
    Code("AVT311", _W, "cap without effect", "A rule's cap allows more plays an hour than its clips' lengths do."),
    Code("AVT312", _W, "playlist longer than its air", "In a week of a rule's windows, its playlist does not come round."),
    Code(
        "AVT313",
        _W,
        "weights starve clips",
        "Weights are so uneven that clips have no turn in a week of a rule's windows.",
    ),
    Code("AVT314", _W, "rights do not cover air", "A clip's rights leave out air that its item and its rule give it."),
    Code("AVT315", _W, "programme ends", "The last rule of a screen ends soon or is over: only the fallback plays then."),
    Code("AVT316", _W, "rule is over", "A rule ended more than 30 days ago."),
    Code("AVT317", _W, "from and until swapped", "A rule's window runs past midnight for almost the whole day."),
    # 4xx: content
    Code("AVT401", _E, "clip unreadable", "The clip's file is missing, empty, no file, or changed while it was read."),
    Code("AVT402", _E, "not a video", "The clip's file has no moving picture, or is of no known format."),
    Code("AVT403", _E, "clip damaged", "Some frame of the clip does not decode."),
    Code("AVT404", _E, "clip too long or empty", "A clip lasts more than 0 and at most 20 seconds."),
    Code("AVT405", _E, "clip's header is wrong", "The clip's header states another length than its frames have."),
    Code("AVT406", _E, "format not allowed", "The clip's container, codec or pixel format is outside the policy."),
    Code("AVT407", _E, "clip too large", "The clip has more pixels or bytes than the policy allows."),
    Code("AVT411", _E, "archived clip in use", "A playlist holds a clip that is archived."),
    Code("AVT412", _W, "clip in no playlist", "An active clip is in no playlist. Archive it, or play it."),
    Code("AVT413", _E, "storage quota exceeded", "The client's active clips hold more bytes than its quota."),
    Code("AVT414", _W, "clip never plays here", "The clip's rights are over, or do not meet the item's validity."),
    Code(
        "AVT415",
        _W,
        "clip of the wrong shape",
        "An upright clip on screens that lie, or a wide one on screens that stand.",
    ),
    Code("AVT421", _E, "clip cannot be named so", "No name can be made for the clip, or the name is another clip's."),
    Code("AVT422", _E, "clip archived already", "The same bytes are in the index already, archived."),
    Code("AVT423", _E, "no such client", "The client that a clip should be added for does not exist."),
    Code("AVT424", _E, "clip not in the store", "A clip of the index, or its thumbnail, is not in the store."),
    Code("AVT425", _E, "another file in the store", "The store holds something else in a clip's place."),
    # 5xx: policy
    Code(
        "AVT502",
        _E,
        "secret in a file",
        "A key, token or password stands in the file, for all who see the repository.",
    ),
)

CODES: dict[str, Code] = {code.code: code for code in _ALL}
"""Every code, in order."""
