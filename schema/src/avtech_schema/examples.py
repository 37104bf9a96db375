"""Examples of each kind and of its parts, as the JSON Schemas and docs/reference/resources.md show them."""

from typing import Any


def _resource(kind: str, name: str, spec: dict[str, Any], **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels} if labels else {"name": name}
    return {"apiVersion": "avtech/v1", "kind": kind, "metadata": metadata, "spec": spec}


EXAMPLES: dict[str, dict[str, Any]] = {
    "Fleet": _resource(
        "Fleet",
        "main",
        {
            "store": "s3://signage/live?endpoint=https://s3.example.com",
            "defaults": {"timeZone": "Europe/Madrid"},
            "limits": {"changedPercent": 50, "removedPercent": 10},
            "freezes": [{"from": "2026-12-24", "until": "2026-12-26", "reason": "Christmas"}],
            "rollout": {
                "waves": [
                    {"matchLabels": {"ring": "canary"}, "soakMinutes": 60},
                    {"percent": 5, "soakMinutes": 30},
                    {"percent": 50, "soakMinutes": 30},
                ],
                "minSamples": 3,
                "maxFailed": "2%",
            },
            "retention": {"releases": 20, "days": 90},
        },
    ),
    "Client": _resource("Client", "CLI-ACME", {"title": "Acme Ltd", "timeZone": "Europe/Madrid", "fallback": "house-clips"}),
    "Screen": _resource(
        "Screen",
        "SCR-ACME-0001",
        {
            "client": "CLI-ACME",
            "title": "Lobby, left of the lift",
            "timeZone": "America/New_York",
            "display": {
                "resolution": "1920x1080",
                "orientation": "portrait",
                "powerHours": {"from": "07:00", "until": "23:00", "days": ["mon", "tue", "wed", "thu", "fri"]},
            },
        },
        site="new-york",
        area="lobby",
    ),
    "Group": _resource("Group", "lobbies", {"client": "CLI-ACME", "matchLabels": {"area": "lobby"}}),
    "Playlist": _resource(
        "Playlist",
        "autumn-promo",
        {
            "client": "CLI-ACME",
            "items": [
                {"clip": "VID-ACME-WELCOME", "weight": 2},
                {"clip": "VID-ACME-SALE", "validFrom": "2026-10-01", "validUntil": "2026-10-31"},
                {"playlist": "house-clips"},
            ],
        },
    ),
    "Schedule": _resource(
        "Schedule",
        "lobby",
        {
            "client": "CLI-ACME",
            "screens": {"groups": ["lobbies"]},
            "rules": [
                {"play": "autumn-promo", "from": "08:30", "until": "22:30", "days": ["mon", "tue", "wed", "thu", "fri"]},
                {"play": "night", "from": "22:30", "until": "02:00", "priority": 20, "except": ["2026-12-24"]},
                {"play": "meeting", "validFrom": "2026-01-01", "rrule": "FREQ=MONTHLY;BYDAY=1FR", "priority": 30},
                {"play": "evacuation", "emergency": True, "validUntil": "2026-10-05T18:00"},
            ],
        },
    ),
    "Video": _resource(
        "Video",
        "VID-ACME-WELCOME",
        {
            "client": "CLI-ACME",
            "title": "Welcome",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "sizeBytes": 482113,
            "durationMs": 10000,
            "media": {
                "container": "mp4",
                "videoCodec": "h264",
                "pixelFormat": "yuv420p",
                "width": 1920,
                "height": 1080,
                "frameRate": "25/1",
            },
            "originalName": "welcome-final.mp4",
            "rights": {"from": "2026-01-01", "until": "2026-12-31"},
        },
    ),
    "AirCheck": _resource(
        "AirCheck",
        "lobby-at-noon",
        {"client": "CLI-ACME", "screen": "SCR-ACME-0001", "at": "2026-10-05T12:00", "plays": "autumn-promo"},
    ),
}

_LIMITS = {"changedPercent": 50, "changedScreens": 200, "removedScreens": 3}
_FLEET, _SCREEN, _SCHEDULE, _VIDEO = (EXAMPLES[kind]["spec"] for kind in ("Fleet", "Screen", "Schedule", "Video"))
PARTS: dict[str, dict[str, Any]] = {
    "AirCheckSpec": EXAMPLES["AirCheck"]["spec"],
    "ClientLimits": _LIMITS,
    "ClientMetadata": EXAMPLES["Client"]["metadata"],
    "ClientSpec": EXAMPLES["Client"]["spec"],
    "DeviceSpec": {"publicKey": "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
    "DisplaySpec": _SCREEN["display"],
    "FleetChecks": {"gaps": "ignore"},
    "FleetDefaults": _FLEET["defaults"],
    "FleetSpec": _FLEET,
    "Freeze": _FLEET["freezes"][0],
    "GroupSpec": EXAMPLES["Group"]["spec"],
    "Limits": _LIMITS,
    "Media": _VIDEO["media"],
    "Moved": {"kind": "Screen", "from": "SCR-ACME-0001", "to": "SCR-ACME-LOBBY"},
    "PlaylistItem": EXAMPLES["Playlist"]["spec"]["items"][0],
    "PlaylistSpec": EXAMPLES["Playlist"]["spec"],
    "PowerHoursSpec": _SCREEN["display"]["powerHours"],
    "Retention": _FLEET["retention"],
    "Rights": _VIDEO["rights"],
    "Rollout": _FLEET["rollout"],
    "ScheduleRule": _SCHEDULE["rules"][0],
    "ScheduleSpec": _SCHEDULE,
    "ScreenMetadata": EXAMPLES["Screen"]["metadata"],
    "ScreenSelector": _SCHEDULE["screens"],
    "ScreenSpec": _SCREEN,
    "SlugMetadata": {"name": "autumn-promo", "labels": {"season": "autumn"}},
    "Thumbnail": {"sha256": _VIDEO["sha256"], "sizeBytes": 10240},
    "VideoMetadata": EXAMPLES["Video"]["metadata"],
    "VideoSpec": _VIDEO,
    "Wave": _FLEET["rollout"]["waves"][0],
}
"""One example of each part of a resource, by the name of its model."""
