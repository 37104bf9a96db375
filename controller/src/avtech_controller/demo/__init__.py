"""The demo: the main story on one machine, with real clips, a real store, a real screen, and a page that shows it."""

from avtech_controller.demo._tell import tell_story

__all__ = ["tell_story"]
