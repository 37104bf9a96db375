"""Previews: the week of every screen as a calendar, before and after a change, as one page and as pictures."""

from avtech_controller.preview._base import Bases, Chosen
from avtech_controller.preview._calendar import Block, Day, calendar
from avtech_controller.preview._draw import captions, draw_pictures
from avtech_controller.preview._findings import BROKEN, findings_banner
from avtech_controller.preview._marks import PALETTE
from avtech_controller.preview._page import render_page
from avtech_controller.preview._preview import MAX_WEEKS, Preview, Subject, Workshop, make_preview
from avtech_controller.preview._programme import Kind, Programme
from avtech_controller.preview._weeks import MAX_DAYS, Dates, ScreenWeek, State, screen_weeks

__all__ = [
    "BROKEN",
    "MAX_DAYS",
    "MAX_WEEKS",
    "PALETTE",
    "Bases",
    "Block",
    "Chosen",
    "Dates",
    "Day",
    "Kind",
    "Preview",
    "Programme",
    "ScreenWeek",
    "State",
    "Subject",
    "Workshop",
    "calendar",
    "captions",
    "draw_pictures",
    "findings_banner",
    "make_preview",
    "render_page",
    "screen_weeks",
]
