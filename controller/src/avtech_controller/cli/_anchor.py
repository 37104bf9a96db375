"""Whose signatures count to commands that look at what is released: those of trust/ as the last commit has it.

What was not committed was not looked at by anybody else, and must not decide whom to believe. A directory outside of Git
holds no commit; there trust/ counts as it lies.
"""

from pathlib import Path

from avtech_controller.desired.history import resolve_commit
from avtech_controller.trust import Anchor, load_anchor


def committed_anchor(repo: Path) -> Anchor:
    """The anchor of HEAD, or of the directory if it is in no Git repository.

    Raises:
        SourceError: Git cannot tell what HEAD is.
        ConfigurationError, TrustError: as for `load_anchor`.
    """
    home = repo.resolve()
    if any((folder / ".git").exists() for folder in (home, *home.parents)):
        return load_anchor(repo, resolve_commit(repo, "HEAD"))
    return load_anchor(repo)
