"""Previews: the week of every screen as a calendar, before and after a change, as one page and as pictures."""

from avtech_controller.preview._base import Chosen, commit_base, default_base
from avtech_controller.preview._draw import draw_pictures
from avtech_controller.preview._page import render_page
from avtech_controller.preview._pictures import Cache
from avtech_controller.preview._preview import MAX_WEEKS, Preview, Subject, make_preview
from avtech_controller.preview._weeks import MAX_DAYS, Base, Dates, ScreenWeek, State, screen_weeks

__all__ = [
    "MAX_DAYS",
    "MAX_WEEKS",
    "Base",
    "Cache",
    "Chosen",
    "Dates",
    "Preview",
    "ScreenWeek",
    "State",
    "Subject",
    "commit_base",
    "default_base",
    "draw_pictures",
    "make_preview",
    "render_page",
    "screen_weeks",
]
