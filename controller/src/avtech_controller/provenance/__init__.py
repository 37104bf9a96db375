"""Provenance: a signed statement with every release of what it was made from, by what, and where (in-toto, SLSA)."""

from avtech_controller.provenance._builder import Builder, builder_of
from avtech_controller.provenance._statement import (
    BUILD_TYPE,
    MAX_SUBJECTS,
    PAYLOAD_TYPE,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    differences,
    statement_of,
)
from avtech_controller.provenance._stored import read_provenance, write_provenance

__all__ = [
    "BUILD_TYPE",
    "MAX_SUBJECTS",
    "PAYLOAD_TYPE",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "Builder",
    "builder_of",
    "differences",
    "read_provenance",
    "statement_of",
    "write_provenance",
]
