"""Explanations of AVT2xx: names and references."""

from avtech_controller.checks.explanations._explanation import explained

REFERENCES = (
    explained(
        "AVT201",
        why="Everything belongs to a client; without it there is no time zone, no fallback and no owner.",
        fix="Correct the name, or write the client's file first. `avtech validate --fix` corrects near misses.",
        where="Screen",
        wrong="client: CLI-ACNE",
        right="client: CLI-ACME",
    ),
    explained(
        "AVT202",
        why="A screen that does not exist plays nothing, and the one that is meant is left out.",
        fix="Correct the name. `avtech validate --fix` corrects near misses.",
        where="Group",
        wrong="screens: [SCR-ACME-001]",
        right="screens: [SCR-ACME-0001]",
    ),
    explained(
        "AVT203",
        why="A schedule for a group that does not exist reaches fewer screens than it says.",
        fix="Correct the name, or write the group.",
        where="Schedule.screens",
        wrong="{groups: [lobby]}",
        right="{groups: [lobbies]}",
    ),
    explained(
        "AVT204",
        why="A rule or fallback whose playlist does not exist has nothing to play.",
        fix="Correct the name, or write the playlist. `avtech validate --fix` corrects near misses.",
        where="Schedule.rules",
        wrong="- play: autum-promo",
        right="- play: autumn-promo",
    ),
    explained(
        "AVT205",
        why="A clip that is not in the content index is not in the store either.",
        fix="Correct the name, or add the clip by `avtech content add FILE`.",
        where="Playlist.items",
        wrong="- clip: VID-ACME-WELCOMES",
        right="- clip: VID-ACME-WELCOME",
    ),
    explained(
        "AVT206",
        why="A name says who a resource is: of two with one name, nobody can tell which is meant.",
        fix="Rename one of them, or delete it.",
        where="file",
        wrong="""
            apiVersion: avtech/v1
            kind: Screen
            metadata:
              name: SCR-ACME-0001
            spec:
              client: CLI-ACME
            """,
        right="""
            apiVersion: avtech/v1
            kind: Screen
            metadata:
              name: SCR-ACME-0009
            spec:
              client: CLI-ACME
            """,
    ),
    explained(
        "AVT207",
        why="The Fleet holds the limits that keep a publication from doing harm.",
        fix="Write fleet/fleet.yaml, or run the command in the repository that holds it. `avtech init DIR` makes one.",
        where="scene",
        wrong="A repository without fleet/fleet.yaml.",
        right="One with it: kind Fleet, a name, and `spec: {}` at least.",
    ),
    explained(
        "AVT208",
        why="Of two Fleets, nobody can tell whose limits count.",
        fix="Keep the one in fleet/fleet.yaml.",
        where="file",
        wrong="apiVersion: avtech/v1\nkind: Fleet\nmetadata:\n  name: second\nspec: {}",
        right="apiVersion: avtech/v1\nkind: Group\nmetadata:\n  name: g\nspec: {client: CLI-ACME, screens: [SCR-ACME-0001]}",
    ),
    explained(
        "AVT209",
        why="A state without screens would remove all of them. That is never taken for what was meant.",
        fix="Write a resource of the kind Screen, or look why the files are not where they are sought.",
        where="scene",
        wrong="A repository whose fleet/ folder was emptied.",
        right="One that holds at least one screen.",
    ),
    explained(
        "AVT210",
        why="Clients must not show each other's clips, nor change each other's screens.",
        fix="Name a resource of the same client; a clip for both is added to both.",
        where="Playlist.items",
        wrong="- clip: VID-NORTHWIND-TEA",
        right="- clip: VID-ACME-WELCOME",
    ),
    explained(
        "AVT211",
        why="A playlist within itself never ends.",
        fix="Take one of them out of the other.",
        where="Playlist.items",
        wrong="- clip: VID-ACME-WELCOME\n- playlist: example",
        right="- clip: VID-ACME-WELCOME\n- playlist: house",
    ),
    explained(
        "AVT212",
        why="Reviewers are chosen by folder. A file in another client's folder is approved by the wrong people.",
        fix="Move the file to the folder of its client.",
        where="scene",
        wrong="fleet/CLI-NORTHWIND/screens/lobby.yaml with `client: CLI-ACME`.",
        right="fleet/CLI-ACME/screens/lobby.yaml with `client: CLI-ACME`.",
    ),
    explained(
        "AVT213",
        why="Without a time zone nobody knows when 08:00 is.",
        fix="Write an IANA name such as Europe/Madrid. `avtech validate --fix` corrects near misses.",
        where="Screen",
        wrong="timeZone: Europe/Madird",
        right="timeZone: Europe/Madrid",
    ),
    explained(
        "AVT214",
        why="A schedule or group for nobody has no effect; most often a label is misspelt.",
        fix="Compare the labels with those of the screens, or name the screens.",
        where="Group",
        wrong="matchLabels: {area: loby}",
        right="matchLabels: {area: lobby}",
    ),
    explained(
        "AVT215",
        why="`moved` keeps a renamed screen from counting as one removed and one added. What is not true does nothing.",
        fix="Name the old and the new name; delete entries whose new name was released long ago.",
        where="Fleet",
        wrong="moved: [{kind: Screen, from: SCR-ACME-0001, to: SCR-ACME-LOBBY}]",
        right="moved: [{kind: Screen, from: SCR-ACME-OLD, to: SCR-ACME-0001}]",
    ),
    explained(
        "AVT216",
        why="A renamed screen that is not declared counts as removed and added: limits may stop it, and its history ends.",
        fix="Write the entry of `moved` that the finding shows; or nothing, if it is another screen.",
        where="scene",
        wrong="SCR-ACME-LOBBY is renamed to SCR-ACME-0001, and fleet.yaml says nothing of it.",
        right="fleet.yaml says `moved: [{kind: Screen, from: SCR-ACME-LOBBY, to: SCR-ACME-0001}]`.",
    ),
    explained(
        "AVT217",
        why="Names like US/Eastern are kept for old programs only; other tools, and people, look for the name of today.",
        fix="Write the name that the finding shows; `avtech validate --fix` does where it is surely the same place.",
        where="Screen",
        wrong="timeZone: Asia/Calcutta",
        right="timeZone: Asia/Kolkata",
    ),
)
