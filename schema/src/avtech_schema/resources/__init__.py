"""What people write: the resources of the desired state as strict pydantic models (DESIGN section 2).

This is the one part of the contract that needs pydantic; a device never imports it.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter

from avtech_schema.resources._common import API_VERSION, WEEKDAYS, Metadata, Strict, Weekday, parse_instant
from avtech_schema.resources._content import Media, Rights, Thumbnail, Video, VideoSpec
from avtech_schema.resources._places import (
    Client,
    ClientLimits,
    ClientSpec,
    DeviceSpec,
    DisplaySpec,
    Fleet,
    FleetChecks,
    FleetSpec,
    Freeze,
    Group,
    GroupSpec,
    Limits,
    Moved,
    PowerHoursSpec,
    Retention,
    Rollout,
    Screen,
    ScreenSpec,
    Wave,
)
from avtech_schema.resources._programme import (
    AirCheck,
    AirCheckSpec,
    Playlist,
    PlaylistItem,
    PlaylistSpec,
    Schedule,
    ScheduleRule,
    ScheduleSpec,
    ScreenSelector,
)

Resource = Fleet | Client | Screen | Group | Playlist | Schedule | Video | AirCheck
KINDS: dict[str, type[Resource]] = {
    "Fleet": Fleet,
    "Client": Client,
    "Screen": Screen,
    "Group": Group,
    "Playlist": Playlist,
    "Schedule": Schedule,
    "Video": Video,
    "AirCheck": AirCheck,
}
ANY_RESOURCE: TypeAdapter[Resource] = TypeAdapter(Annotated[Resource, Field(discriminator="kind")])
"""Validates a document of whatever kind it says it is."""

__all__ = [
    "ANY_RESOURCE",
    "API_VERSION",
    "KINDS",
    "WEEKDAYS",
    "AirCheck",
    "AirCheckSpec",
    "Client",
    "ClientLimits",
    "ClientSpec",
    "DeviceSpec",
    "DisplaySpec",
    "Fleet",
    "FleetChecks",
    "FleetSpec",
    "Freeze",
    "Group",
    "GroupSpec",
    "Limits",
    "Media",
    "Metadata",
    "Moved",
    "Playlist",
    "PlaylistItem",
    "PlaylistSpec",
    "PowerHoursSpec",
    "Resource",
    "Retention",
    "Rights",
    "Rollout",
    "Schedule",
    "ScheduleRule",
    "ScheduleSpec",
    "Screen",
    "ScreenSelector",
    "ScreenSpec",
    "Strict",
    "Thumbnail",
    "Video",
    "VideoSpec",
    "Wave",
    "Weekday",
    "parse_instant",
]
