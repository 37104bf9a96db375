"""Explanations of every code: why it matters, how to mend it, an example of wrong and right."""

from avtech_controller.checks.explanations._airtime import AIRTIME
from avtech_controller.checks.explanations._content import CONTENT
from avtech_controller.checks.explanations._explanation import Explanation
from avtech_controller.checks.explanations._policy import POLICY
from avtech_controller.checks.explanations._references import REFERENCES
from avtech_controller.checks.explanations._syntax import SYNTAX

EXPLANATIONS: dict[str, Explanation] = {
    explanation.code: explanation for explanation in (*SYNTAX, *REFERENCES, *AIRTIME, *CONTENT, *POLICY)
}
"""Every explanation by its code, in order."""

__all__ = ["EXPLANATIONS", "Explanation"]
