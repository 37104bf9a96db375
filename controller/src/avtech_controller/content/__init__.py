"""The content index: clips are measured, uploaded, and only then written into it."""

from avtech_controller.content._apply import Applied, IndexWriteError, apply_additions
from avtech_controller.content._check import check_store
from avtech_controller.content._entry import Inline, default_name, default_title, document_text, entry_path, entry_text
from avtech_controller.content._errors import ContentCode, ContentError
from avtech_controller.content._index import Index, read_index
from avtech_controller.content._plan import Addition, AdditionPlan, Offered, Wish, describe, plan_additions
from avtech_controller.content._uploads import Upload, raise_if_failed, upload_additions

__all__ = [
    "Addition",
    "AdditionPlan",
    "Applied",
    "ContentCode",
    "ContentError",
    "Index",
    "IndexWriteError",
    "Inline",
    "Offered",
    "Upload",
    "Wish",
    "apply_additions",
    "check_store",
    "default_name",
    "default_title",
    "describe",
    "document_text",
    "entry_path",
    "entry_text",
    "plan_additions",
    "raise_if_failed",
    "read_index",
    "upload_additions",
]
