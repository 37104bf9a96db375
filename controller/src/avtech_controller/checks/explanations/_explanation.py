"""What `avtech explain` tells of a code beyond its row in the registry."""

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a finding matters, how to mend it, and an example of each.

    `where` says what the examples are an excerpt of: a whole `file`, the `spec` of a kind, a list in it; or, for findings
    of `avtech content` and of things that YAML cannot show, a `scene` told in words.
    """

    code: str
    why: str
    fix: str
    where: str
    wrong: str
    right: str


def explained(code: str, *, why: str, fix: str, where: str, wrong: str, right: str) -> Explanation:
    """An explanation whose examples may be indented as the code around them."""
    return Explanation(code, why, fix, where, dedent(wrong).strip("\n"), dedent(right).strip("\n"))
