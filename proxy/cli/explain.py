"""`paysluice explain`: what a recorded answer would have meant to a caller."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from proxy.app.profiles import load_profile, routes_of
from proxy.attempt import ResponseParser, failed
from proxy.classify import Classifier
from proxy.ledger import apply, key_rule
from proxy.normalise import envelope_for, needs_envelope, report_for
from proxy.providers import Profile, ProfileError
from proxy.retry import judge, may_repeat
from proxy.route import Matched, Router
from proxy.settings import ConfigError, ProviderSettings
from proxy.settings import load as load_settings
from proxy.system import NewIds, SystemClock
from proxy.terms import (
    Again,
    Answer,
    Call,
    Delivery,
    Denial,
    Key,
    Outcome,
    Progress,
    ProxyError,
    Refused,
    Verdict,
)
from proxy.terms.verdict import Final as NotAgain

from .main import NO

MAX_ANSWER_BYTES = 16 * 1024 * 1024
_KEY = b"Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Question:
    """Which request the answer is to."""

    provider: str
    config: str | None
    method: str
    path: str
    key: str | None


def explain(question: Question, file: str) -> int:
    """Print the envelope and the retry verdict of the raw response in *file*."""
    try:
        settings, profile = _provider(question)
        raw = _read(file)
    except (ConfigError, ProfileError, OSError, LookupError) as error:
        print(f"paysluice: {_one_line(error)}", file=sys.stderr)  # noqa: T201
        return NO
    matched = _match(question, settings, profile)
    if isinstance(matched, Refused):
        print("paysluice: --path is no path below the mount", file=sys.stderr)  # noqa: T201
        return NO
    key = _key(question, settings, profile, matched)
    if isinstance(key, Refused):
        print(f"paysluice: --key: {key.hint or 'the config requires one'}", file=sys.stderr)  # noqa: T201
        return NO
    told = _explained(question, settings, profile, matched, key, raw)
    print(json.dumps(told, indent=2))  # noqa: T201
    return 0


def _explained(
    question: Question,
    settings: ProviderSettings,
    profile: Profile,
    matched: Matched,
    key: Key | None,
    raw: bytes,
) -> dict[str, object]:
    outcome = _outcome(question, profile, matched, raw)
    is_keyed = key is not None and key.is_honoured
    covers_failures = key is not None and key.covers_failures
    is_ours = key is not None and key.is_generated  # a repeat by the caller gets another
    verdict = judge(
        outcome, effect=matched.effect, is_keyed=is_keyed, covers_failures=covers_failures
    )
    if settings.retry.max_attempts == 1 and isinstance(verdict, Again):
        verdict = NotAgain(Denial.ATTEMPTS)
    outcome = replace(
        outcome,
        is_retryable=may_repeat(
            outcome,
            effect=matched.effect,
            is_keyed=is_keyed and not is_ours,
            covers_failures=covers_failures,
        ),
    )
    envelope = None
    if needs_envelope(outcome):
        envelope = envelope_for(
            outcome,
            provider=question.provider,
            effect=matched.effect,
            request_id="explain",
            include_body=settings.errors.include_body,
        ).as_dict()
    return {"envelope": envelope, "verdict": _verdict(outcome, verdict)}


def _verdict(outcome: Outcome, verdict: Verdict) -> dict[str, object]:
    match verdict:
        case Again(basis):
            why = report_for(outcome).code.value
            return {"retry": True, "basis": basis.value, "why": why}
        case NotAgain(denied_by):
            return {"retry": False, "basis": "none", "why": denied_by.value}


def _outcome(question: Question, profile: Profile, matched: Matched, raw: bytes) -> Outcome:
    parser = ResponseParser(is_head=question.method == "HEAD")
    parser.feed(_with_crlf(raw))
    parser.feed_end(is_clean=True)
    head = parser.head
    if head is None or parser.problem is not None:
        call = _call(question, matched)
        reason = parser.problem or ProxyError.HTTP_PROTOCOL_ERROR
        return failed(call, reason, Delivery.COMPLETE, status=head.status if head else None)
    return Classifier(profile).classify(
        Answer(head.status, head.reason, head.headers, parser.take()),
        method=question.method,
        operation=matched.operation,
        effect=matched.effect,
        delivery=Delivery.COMPLETE,
        wall=SystemClock().wall(),
    )


def _with_crlf(raw: bytes) -> bytes:
    """Give *raw* with the line ends of HTTP in its head, which an editor may have taken away."""
    head, end, body = raw.partition(b"\n\n")
    if not end or b"\r\n" in head:
        return raw
    return head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


def _call(question: Question, matched: Matched) -> Call:
    return Call(
        request_id="explain",
        provider=question.provider,
        route=matched.route,
        operation=matched.operation,
        method=question.method,
        target=matched.target,
        headers=(),
        body=b"",
        effect=matched.effect,
        deadline=0.0,
        progress=Progress(),
    )


def _match(question: Question, settings: ProviderSettings, profile: Profile) -> Matched | Refused:
    routes = routes_of(question.provider, settings, profile, "/")
    return Router([routes]).match(question.method, question.path.encode("utf-8", "replace"))


def _key(
    question: Question, settings: ProviderSettings, profile: Profile, matched: Matched
) -> Key | Refused | None:
    """Give the key as the listener would: the caller's, or one of ours; or its refusal."""
    fields = () if question.key is None else ((_KEY, os.fsencode(question.key)),)
    keyed = apply(
        fields,
        b"{}",  # a key that belongs in the body finds room
        rule=key_rule(settings.idempotency, profile, matched.operation, question.method),
        effect=matched.effect,
        method=question.method,
        require=settings.idempotency.require_key,
        generate=settings.idempotency.generate,
        now=0.0,
        new_id=NewIds(),
    )
    return keyed if isinstance(keyed, Refused) else keyed.key


def _provider(question: Question) -> tuple[ProviderSettings, Profile]:
    """Give the settings and the profile of the provider that is asked about.

    Raises:
        ConfigError: the config cannot be used.
        ProfileError: the profile cannot be used, or there is none of that name.
        LookupError: the config has no provider of that name.
    """
    if question.config is None:
        settings = ProviderSettings.model_validate({"base_url": "https://provider.invalid"})
        return settings, load_profile(question.provider)
    providers = load_settings(question.config, os.environ).providers
    if question.provider not in providers:
        known = ", ".join(providers)
        msg = f"the config has no provider {question.provider!r}; it has {known}"
        raise LookupError(msg)
    settings = providers[question.provider]
    return settings, load_profile(settings.profile)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(MAX_ANSWER_BYTES)
    with Path(file).open("rb") as source:
        return source.read(MAX_ANSWER_BYTES)


def _one_line(error: Exception) -> str:
    match error:
        case ConfigError():
            return "; ".join(str(fault) for fault in error.faults)
        case ProfileError():
            return "; ".join(str(error).splitlines())
        case OSError():
            return f"{error.filename}: {error.strerror}"
        case _:
            return str(error.args[0])
