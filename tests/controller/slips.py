"""Slips of people who are no programmers, and a state in which nothing else is wrong."""

from collections.abc import Callable

from tests.controller.desired_files import MINIMAL, client, document

CLIENT = "fleet/CLI-ACME/client.yaml"
LOBBY = "fleet/CLI-ACME/screens/lobby.yaml"
HALL = "fleet/CLI-ACME/screens/hall.yaml"
LUNCH = "fleet/CLI-ACME/playlists/lunch.yaml"
DAY = "fleet/CLI-ACME/schedules/day.yaml"
HALLS = "fleet/CLI-ACME/groups/halls.yaml"
CHECK = "fleet/CLI-ACME/checks/noon.yaml"
SOUP = "content-index/CLI-ACME/VID-ACME-SOUP.yaml"
VIDEO = MINIMAL["content-index/CLI-A/VID-A-ONE.yaml"].replace("CLI-A", "CLI-ACME")
SCENE = {
    "fleet/CLI-A/client.yaml": None,
    **dict.fromkeys((path for path in MINIMAL if "CLI-A/" in path), None),
    **client("CLI-B"),
    CLIENT: document("Client", "CLI-ACME", "title: Acme\ntimeZone: Europe/Madrid\nfallback: house"),
    LOBBY: document("Screen", "SCR-ACME-LOBBY", "client: CLI-ACME", labels="{area: lobby}"),
    HALL: document("Screen", "SCR-ACME-HALL", "client: CLI-ACME\ntimeZone: America/New_York", labels="{area: hall}"),
    HALLS: document("Group", "halls", "client: CLI-ACME\nscreens:\n  - SCR-ACME-HALL"),
    "fleet/CLI-ACME/playlists/house.yaml": document("Playlist", "house", "client: CLI-ACME\nitems:\n  - clip: VID-ACME-HELLO"),
    LUNCH: document(
        "Playlist",
        "lunch",
        "client: CLI-ACME\ntitle: Lunch\nitems:\n  - clip: VID-ACME-SOUP\n    weight: 2\n  - clip: VID-ACME-HELLO",
    ),
    DAY: document(
        "Schedule",
        "day",
        """\
        client: CLI-ACME
        title: The day
        screens: {matchLabels: {area: lobby}}
        rules:
          - play: house
            days: [mon, tue, wed]
            from: "07:30"
            until: "17:00"
          - play: lunch
            from: "12:30"
            until: "15:00"
            priority: 10
            except: [2026-12-24]
        """,
    ),
    "fleet/CLI-ACME/schedules/halls.yaml": document(
        "Schedule", "halls", "client: CLI-ACME\nscreens: {groups: [halls]}\nrules: [{play: house}]"
    ),
    CHECK: document("AirCheck", "noon", "client: CLI-ACME\nscreen: SCR-ACME-LOBBY\nat: 2027-03-03T13:00\nplays: lunch"),
    SOUP: VIDEO.replace("VID-A-ONE", "VID-ACME-SOUP"),
    "content-index/CLI-ACME/VID-ACME-HELLO.yaml": VIDEO.replace("VID-A-ONE", "VID-ACME-HELLO"),
}
ON_LOBBY = "1 screen would not compile: SCR-ACME-LOBBY"
ON_BOTH = "2 screens would not compile: SCR-ACME-HALL, SCR-ACME-LOBBY"

Edit = Callable[[str], str | bytes]


def swap(*pairs: tuple[str, str]) -> Edit:
    def edit(text: str) -> str:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        return text

    return edit


DAYS = "      days: [mon, tue, wed]\n"
SLIPS: dict[str, tuple[str, Edit, str, str, str, str]] = {
    # what was done: file, edit, code, the text under the caret, help, impact
    "a key indented otherwise": (DAY, swap((DAYS, DAYS[1:])), "AVT101", "d", "put `- ` before it, or indent it", ON_LOBBY),
    "a key indented deeper": (
        LUNCH,
        swap(("  title", "    title")),
        "AVT101",
        ":",
        "indent it like `client`, if it stands beside it",
        ON_LOBBY,
    ),
    "a tab": (DAY, swap((DAYS, "\tdays: [mon]\n")), "AVT113", "\t", "use spaces", ON_LOBBY),
    "a dash forgotten": (
        LUNCH,
        swap(("- clip: VID-ACME-HELLO", "  clip: VID-ACME-HELLO")),
        "AVT107",
        "clip",
        "keep one of them",
        ON_LOBBY,
    ),
    "a dash forgotten at the first": (
        DAY,
        swap(("    - play: house", "      play: house")),
        "AVT101",
        "-",
        "put `- ` before the first of the keys above it, too",
        ON_LOBBY,
    ),
    "a dash without space": (DAY, swap(("- play: house", "-play: house")), "AVT101", "-", "write `- ` and the key", ON_LOBBY),
    "a colon without space": (
        DAY,
        swap(("play: house", "play:house")),
        "AVT101",
        "play:",
        "write `play: ` and the value",
        ON_LOBBY,
    ),
    "a colon forgotten": (DAY, swap(("title: The", "title The")), "AVT101", "title The day", "write `key: value`", ON_LOBBY),
    "a colon too many": (DAY, swap(("The day", "Day: all")), "AVT101", ":", "put a text that holds `: ` in quotes", ON_LOBBY),
    "a quote not closed": (DAY, swap(('"07:30"', '"07:30')), "AVT101", '"', "close it", ON_LOBBY),
    "a bracket not closed": (
        DAY,
        swap(("wed]", "wed")),
        "AVT101",
        "[",
        "close it, or put a text that begins with a bracket in quotes",
        ON_LOBBY,
    ),
    "a space that is none": (
        DAY,
        swap(("play: house", "play:\u00a0house")),
        "AVT101",
        "\u00a0",
        "delete it and type a space; it was pasted along",
        ON_LOBBY,
    ),
    "a conflict left": (
        DAY,
        swap((DAYS, f"<<<<<<< HEAD\n{DAYS}=======\n      days: [sun]\n>>>>>>> main\n")),
        "AVT101",
        "<<<<<<<",
        "keep what is right of the lines from <<<<<<< to >>>>>>>, and delete these marks and =======",
        ON_LOBBY,
    ),
    "copied from a chat": (LUNCH, lambda text: f"```yaml\n{text}```\n", "AVT101", "`", "delete it", ON_LOBBY),
    "a key twice": (
        DAY,
        swap(("priority: 10\n", "priority: 10\n      priority: 20\n")),
        "AVT107",
        "priority",
        "keep one of them",
        ON_LOBBY,
    ),
    "a merge key": (
        DAY,
        swap(("- play: lunch", "- <<: *a\n      play: lunch")),
        "AVT109",
        "<<",
        "write the keys out",
        ON_LOBBY,
    ),
    "UTF-16": (
        DAY,
        lambda text: text.encode("utf-16"),
        "AVT103",
        "\ufffd",
        "save the file as UTF-8 (UTF-16 and Latin-1 are not read)",
        "",
    ),
    "smart quotes": (DAY, swap(('"07:30"', "“07:30”")), "AVT126", "“07:30”", 'did you mean "07:30"?', ON_LOBBY),
    "a time of one digit": (DAY, swap(('"07:30"', "7:30")), "AVT126", "7:30", 'did you mean "07:30"?', ON_LOBBY),
    "half past five in the afternoon": (
        DAY,
        swap(('"17:00"', "5.30pm")),
        "AVT126",
        "5.30pm",
        'did you mean "17:30"?',
        ON_LOBBY,
    ),
    "a time with a point": (DAY, swap(('"07:30"', "7.30")), "AVT124", "7.30", 'write a time in quotes, like "08:30"', ON_LOBBY),
    "an hour of tomorrow": (
        DAY,
        swap(('"17:00"', '"25:00"')),
        "AVT126",
        '"25:00"',
        'the day ends at "24:00"; a window that ends at "01:00" goes on past midnight',
        ON_LOBBY,
    ),
    "days as a range": (
        DAY,
        swap(("[mon, tue, wed]", "mon-fri")),
        "AVT124",
        "mon-fri",
        "write a list: [mon, tue, wed, thu, fri]",
        ON_LOBBY,
    ),
    "a range in a list": (
        DAY,
        swap(("[mon, tue, wed]", "[mon-fri]")),
        "AVT125",
        "mon-fri",
        "write each day: mon, tue, wed, thu, fri",
        ON_LOBBY,
    ),
    "a whole name of a day": (
        DAY,
        swap(("[mon, tue, wed]", "[Wednesday]")),
        "AVT125",
        "Wednesday",
        'did you mean "wed"?',
        ON_LOBBY,
    ),
    "a date of Europe": (
        DAY,
        swap(("2026-12-24", "24.12.2026")),
        "AVT126",
        "24.12.2026",
        'did you mean "2026-12-24"?',
        ON_LOBBY,
    ),
    "a date of America": (
        DAY,
        swap(("2026-12-24", "12/24/2026")),
        "AVT126",
        "12/24/2026",
        'did you mean "2026-12-24"?',
        ON_LOBBY,
    ),
    "a date of either": (
        DAY,
        swap(("2026-12-24", "12/11/2026")),
        "AVT126",
        "12/11/2026",
        'write the year first: "2026-12-11" or "2026-11-12"',
        ON_LOBBY,
    ),
    "a number where a text is due": (DAY, swap(("The day", "2026")), "AVT124", "2026", 'write it in quotes: "2026"', ON_LOBBY),
    "yes": (
        DAY,
        swap(("priority: 10", "validUntil: 2027-01-01\n      emergency: yes")),
        "AVT124",
        "yes",
        "write true or false (yes, no, on and off are plain words)",
        ON_LOBBY,
    ),
    "a label that is true": (
        LOBBY,
        swap(("area: lobby", "area: true")),
        "AVT124",
        "true",
        'write it in quotes: "true"',
        ON_LOBBY,
    ),
    "an emoji in a name": (LUNCH, swap(("name: lunch", "name: lunch☕")), "AVT128", "lunch☕", "", ""),
    "a number for a name": (LUNCH, swap(("name: lunch", "name: 7")), "AVT124", "7", 'write it in quotes: "7"', ""),
    "a name in capitals": (DAY, swap(("play: lunch", "play: Lunch")), "AVT126", "Lunch", 'did you mean "lunch"?', ON_LOBBY),
    "a file's name for a playlist's": (
        DAY,
        swap(("play: lunch", "play: lunch.yaml")),
        "AVT126",
        "lunch.yaml",
        'did you mean "lunch"?',
        ON_LOBBY,
    ),
    "a clip played by a rule": (
        DAY,
        swap(("play: lunch", "play: VID-ACME-SOUP")),
        "AVT126",
        "VID-ACME-SOUP",
        "a rule plays a playlist: put the clip into one, and name that",
        ON_LOBBY,
    ),
    "screens in a list": (
        DAY,
        swap(("{matchLabels: {area: lobby}}", "[SCR-ACME-LOBBY]")),
        "AVT124",
        "screens",
        "write `screens: {names: [SCR-…]}`, or `groups` or `matchLabels` instead of `names`",
        ON_LOBBY,
    ),
    "a key in capitals": (DAY, swap(("  screens:", "  Screens:")), "AVT122", "Screens", 'did you mean "screens"?', ON_LOBBY),
    "a kind in small letters": (
        DAY,
        swap(("kind: Schedule", "kind: schedule")),
        "AVT120",
        "schedule",
        'did you mean "Schedule"?',
        ON_LOBBY,
    ),
    "a clip as a kind": (SOUP, swap(("kind: Video", "kind: Clip")), "AVT120", "Clip", 'did you mean "Video"?', ""),
    "a client misspelt in a playlist": (
        LUNCH,
        swap(("CLI-ACME", "CLI-ACEM")),
        "AVT201",
        "CLI-ACEM",
        'did you mean "CLI-ACME"?',
        ON_LOBBY,
    ),
    "a client misspelt in a schedule": (
        DAY,
        swap(("CLI-ACME", "CLI-AMCE")),
        "AVT201",
        "CLI-AMCE",
        'did you mean "CLI-ACME"?',
        ON_LOBBY,
    ),
    "a client misspelt in a screen": (
        LOBBY,
        swap(("CLI-ACME", "CLI-AMCE")),
        "AVT201",
        "CLI-AMCE",
        'did you mean "CLI-ACME"?',
        ON_LOBBY,
    ),
    "a client misspelt in a group": (
        HALLS,
        swap(("CLI-ACME", "CLI-ACMEE")),
        "AVT201",
        "CLI-ACMEE",
        'did you mean "CLI-ACME"?',
        "1 screen would not compile: SCR-ACME-HALL",
    ),
    "a client misspelt in a clip": (
        SOUP,
        swap(("CLI-ACME", "CLI-ACM")),
        "AVT201",
        "CLI-ACM",
        'did you mean "CLI-ACME"?',
        ON_LOBBY,
    ),
    "a client misspelt in a check": (
        CHECK,
        swap(("CLI-ACME", "CLI-ACMR")),
        "AVT201",
        "CLI-ACMR",
        'did you mean "CLI-ACME"?',
        "concerns 1 screen: SCR-ACME-LOBBY",
    ),
    "a client misspelt where it is written": (
        CLIENT,
        swap(("CLI-ACME", "CLI-ACEM")),
        "AVT201",
        "CLI-ACEM",
        'did you mean "CLI-ACME"?',
        ON_BOTH,
    ),
    "a client in small letters": (
        LUNCH,
        swap(("CLI-ACME", "cli-acme")),
        "AVT126",
        "cli-acme",
        'did you mean "CLI-ACME"?',
        ON_LOBBY,
    ),
    "another client's name in a playlist": (
        LUNCH,
        swap(("CLI-ACME", "CLI-B")),
        "AVT210",
        "CLI-B",
        'did you mean "CLI-ACME"?',
        ON_LOBBY,
    ),
    "another client's name in a clip": (
        SOUP,
        swap(("CLI-ACME", "CLI-B")),
        "AVT210",
        "CLI-B",
        'did you mean "CLI-ACME"?',
        ON_LOBBY,
    ),
    "another client's clip": (
        LUNCH,
        swap(("VID-ACME-HELLO", "VID-B-ONE")),
        "AVT210",
        "VID-B-ONE",
        "a resource of CLI-ACME may name only what is CLI-ACME's own",
        ON_LOBBY,
    ),
    "an old name of a zone": (
        HALL,
        swap(("America/New_York", "US/Eastern")),
        "AVT217",
        "US/Eastern",
        'write "America/New_York": its clocks are the same',
        "concerns 1 screen: SCR-ACME-HALL",
    ),
}
