"""Why clips are not added to the index: one stable code and one line for each reason."""

from enum import StrEnum

from avtech_schema.errors import AvtechError


class ContentCode(StrEnum):
    """The stable codes of `docs/reference/findings.md` that speak of the content index and its store."""

    NAME = "AVT421"
    """No name can be made for the clip, or the name is another clip's."""
    ARCHIVED = "AVT422"
    """The same bytes are in the index already, archived."""
    QUOTA = "AVT413"
    """The client's active clips would take more than its quota."""
    CLIENT = "AVT423"
    """The client does not exist."""
    MISSING = "AVT424"
    """A clip of the index, or its thumbnail, is not in the store."""
    DIFFERENT = "AVT425"
    """The store holds something else in a clip's place."""


class ContentError(AvtechError):
    """A clip that cannot be added, or is not what the index says; an editor must act."""

    exit_code = 1

    def __init__(self, code: ContentCode, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
