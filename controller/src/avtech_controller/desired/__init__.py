"""The desired state: read from a work tree or a commit, parsed strictly, validated, with every problem at its place."""

from avtech_controller.desired._check import check_source
from avtech_controller.desired._content import FileContent
from avtech_controller.desired._load import load
from avtech_controller.desired._overlooked import overlooked
from avtech_controller.desired._past import Past, past_of
from avtech_controller.desired._read import read_file
from avtech_controller.desired._since import Change, load_change
from avtech_controller.desired._source import Held, Source, SourceError, SourceFile, open_source
from avtech_controller.desired._standing import StandingTree, can_be_drawn
from avtech_controller.desired._state import DesiredState, Loaded, Origin, SlugKey, key_of, require_drawable, require_state

__all__ = [
    "Change",
    "DesiredState",
    "FileContent",
    "Held",
    "Loaded",
    "Origin",
    "Past",
    "SlugKey",
    "Source",
    "SourceError",
    "SourceFile",
    "StandingTree",
    "can_be_drawn",
    "check_source",
    "key_of",
    "load",
    "load_change",
    "open_source",
    "overlooked",
    "past_of",
    "read_file",
    "require_drawable",
    "require_state",
]
