"""Recorded answers with their meanings, and whether a profile comes to the same.

A case is a JSON object a line: `provider`, `case`, `method`, `path`, `status`, `headers`, `body`,
and `meaning`, of which only the members that are there are compared (docs/providers.md).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proxy.classify import Classifier
from proxy.normalise import needs_envelope, word_for
from proxy.providers import Profile
from proxy.route import Matched, ProviderRoutes, Router, parse_rules
from proxy.terms import Answer, Answered, Delivery, Refused, RouteEffect

MAX_BYTES: Final = 64 * 1024 * 1024
_WALL: Final = 1_700_000_000.0  # when a `Retry-After` that is a date is read


class CaseError(Exception):
    """A file of cases that cannot be read; its text is one line."""


@dataclass(frozen=True, slots=True)
class Case:
    """One answer as it was on the wire, and its meaning."""

    provider: str
    name: str
    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    meaning: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"

    @property
    def answer(self) -> Answer:
        """The answer as an attempt would give it."""
        headers = tuple((n.encode("latin-1"), v.encode("latin-1")) for n, v in self.headers)
        return Answer(status=self.status, reason=b"", headers=headers, body=self.body)


def read_cases(path: Path) -> Iterator[Case]:
    """Give the cases of a file.

    Raises:
        CaseError: it cannot be read, or a line of it is no case.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            msg = f"{path}: is larger than 64 MiB"
            raise CaseError(msg)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise CaseError(msg) from None
    except UnicodeDecodeError:
        msg = f"{path}: is not UTF-8"
        raise CaseError(msg) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield _case(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError, LookupError) as error:
                msg = f"{path}:{number}: is no case: {type(error).__name__} {error}"
                raise CaseError(msg) from None


def _case(line: Any) -> Case:
    if not isinstance(line, dict):
        msg = "a JSON object is needed"
        raise TypeError(msg)
    encoding = line.get("body_encoding") or "utf-8"
    errors = "surrogatepass" if encoding.startswith("utf") else "strict"
    return Case(
        provider=str(line["provider"]),
        name=str(line["case"]),
        method=str(line["method"]),
        path=str(line["path"]),
        status=int(line["status"]),
        headers=tuple((str(name), str(value)) for name, value in line["headers"].items()),
        body=line["body"].encode(encoding, errors),
        meaning=dict(line["meaning"]),
    )


def route_of(profile: Profile, method: str, path: str) -> tuple[str, RouteEffect]:
    """Give the operation of a call and what it does.

    Raises:
        CaseError: the path is none.
    """
    routes = ProviderRoutes(
        name=profile.name,
        mount=b"/",
        operations=parse_rules(profile.routes),
        prefixes=tuple(prefix.encode("ascii") for prefix in profile.prefixes),
    )
    matched = Router([routes]).match(method, path.encode("utf-8", "replace"))
    if isinstance(matched, Refused):
        msg = f"{path}: is no path"
        raise CaseError(msg)
    assert isinstance(matched, Matched)
    return matched.operation, matched.effect


def judge(case: Case, profile: Profile, classifier: Classifier) -> Answered:
    """Give what *profile* makes of the answer of *case*."""
    operation, effect = route_of(profile, case.method, case.path)
    return classifier.classify(
        case.answer,
        method=case.method,
        operation=operation,
        effect=effect,
        delivery=Delivery.COMPLETE,
        wall=_WALL,
    )


def outcome_of(answered: Answered) -> str | None:
    """Give the envelope's word for what became of the payment; None where it is no error."""
    if not needs_envelope(answered):
        return None
    return word_for(answered, effect=RouteEffect.PAYMENT).value


def misses(case: Case, answered: Answered) -> Iterator[str]:
    """Give each member of the meaning that came out differently."""
    code, facts = answered.error_code, answered.facts
    came: dict[str, object] = {
        "is_error": needs_envelope(answered),
        "error_code": None if code is None else code.value,
        "error_type": None if code is None else code.type.value,
        "outcome": outcome_of(answered),
    }
    if code is not None:
        came |= {
            "provider_code": facts.code,
            "trace_id": facts.trace_id,
            "fields": [detail.field for detail in facts.details],
        }
    for member, value in came.items():
        if member in case.meaning and case.meaning[member] != value:
            yield f"{member} is {value!r}, not {case.meaning[member]!r}"
    wanted = case.meaning.get("message_contains")
    if code is not None and wanted and str(wanted).lower() not in (facts.message or "").lower():
        yield f"the message is {facts.message!r}, without {wanted!r}"
