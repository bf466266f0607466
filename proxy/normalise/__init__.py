"""Any outcome becomes the one envelope: the only package that knows its member names."""

from .envelope import (
    JSON,
    PROBLEM,
    Envelope,
    Origin,
    ProviderPart,
    accepts_problem,
    encode,
    encode_problem,
    envelope_for,
    retry_after_of,
)
from .headers import ALLOW, answer_headers, strip_representation
from .messages import MESSAGES
from .native import Rendered, render_native, stands
from .proxy_status import append_proxy_status, proxy_status
from .tables import FAILURES, REFUSALS, Report, needs_envelope, report_for
from .words import OutcomeWord, word_for, words_of

__all__ = [
    "ALLOW",
    "FAILURES",
    "JSON",
    "MESSAGES",
    "PROBLEM",
    "REFUSALS",
    "Envelope",
    "Origin",
    "OutcomeWord",
    "ProviderPart",
    "Rendered",
    "Report",
    "accepts_problem",
    "answer_headers",
    "append_proxy_status",
    "encode",
    "encode_problem",
    "envelope_for",
    "needs_envelope",
    "proxy_status",
    "render_native",
    "report_for",
    "retry_after_of",
    "stands",
    "strip_representation",
    "word_for",
    "words_of",
]
