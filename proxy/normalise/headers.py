"""The header fields of an answer: the provider's that may stand, and ours.

Rules:

1. Every answer says `Paysluice-Request-Id` and `Paysluice-Attempts` (contract section 3).
2. Every error says what it is, in whatever shape its body is: code, outcome, retryable, and
   `Proxy-Status` with the provider's own members kept in front.
3. `Retry-After` stands on an error only where it is retryable: an SDK takes it for an invitation.
4. A field that described the provider's body goes when the body goes (`strip_representation`).
5. A rate limit of ours says its name, its quota and when there is room again; the provider's fields
   of such names go through as they came.
6. `Paysluice-*` is ours: a provider's field of such a name is dropped, it could only deceive.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from proxy.terms import (
    Answered,
    ErrorCode,
    Header,
    Headers,
    Key,
    Outcome,
    Quota,
    Refusal,
    Refused,
    RouteEffect,
)
from proxy.terms.http import every

from .envelope import retry_after_of
from .proxy_status import NAME, append_proxy_status, proxy_status
from .tables import needs_envelope, report_for
from .words import OutcomeWord, is_in_doubt, word_for

_OURS: Final = b"paysluice-"
_RETRY_AFTER: Final = b"retry-after"
_PROXY_STATUS: Final = b"proxy-status"
_REPLACED: Final = frozenset({_RETRY_AFTER, _PROXY_STATUS})  # on an error, by our own
_NONE: Final = frozenset[bytes]()
_CODES: Final[Mapping[ErrorCode, Header]] = MappingProxyType(
    {code: (b"Paysluice-Error-Code", code.encode("ascii")) for code in ErrorCode}
)
_OUTCOMES: Final[Mapping[OutcomeWord, Header]] = MappingProxyType(
    {word: (b"Paysluice-Outcome", word.encode("ascii")) for word in OutcomeWord}
)
# What we forward: all of RFC 9110 but CONNECT and TRACE, PATCH (RFC 5789), QUERY (RFC 10008).
ALLOW: Final[Header] = (b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY")

# Fields about the bytes of the body, its format, its age or its integrity. RFC 9110 section 8;
# RFC 9111 section 5; RFC 9112 section 6; RFC 9530; RFC 9421; RFC 1864 (Content-MD5).
_REPRESENTATION: Final = frozenset(
    {
        b"accept-ranges",
        b"age",
        b"cache-control",
        b"content-digest",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-location",
        b"content-md5",
        b"content-range",
        b"content-type",
        b"digest",
        b"etag",
        b"expires",
        b"last-modified",
        b"pragma",
        b"repr-digest",
        b"signature",
        b"signature-input",
        b"trailer",
        b"transfer-encoding",
    }
)
# Providers' own: X-Acme-Signature, X-Hub-Signature-256, X-Payload-Digest.
_SIGNATURE: Final = re.compile(rb"(?:^|[-_])(?:signature|digest|hmac)(?:[-_]|$)")


def strip_representation(headers: Headers) -> Headers:
    """Give *headers* without what described a body that is replaced (RFC 9110 section 8).

    `Cache-Control: no-transform` does not keep the provider's body: contract section 4 promises
    the envelope on every error, and `mode: passthrough` is there for who wants the bytes.
    """
    return tuple([field for field in headers if not _describes_body(field[0])])


@lru_cache(256)  # providers' fields have few names
def _describes_body(name: bytes) -> bool:
    name = name.lower()
    return name in _REPRESENTATION or _SIGNATURE.search(name) is not None


@lru_cache(256)
def _is_ours(name: bytes) -> bool:
    return name.lower().startswith(_OURS)


def answer_headers(
    outcome: Outcome,
    *,
    effect: RouteEffect,
    request_id: str,
    received: Headers = (),
    media_type: bytes | None = None,
    key: Key | None = None,
    stop: Header | None = None,
    name: str = NAME,
) -> Headers:
    """Give the fields of the answer to the caller, framing apart.

    Args:
        outcome: What is answered.
        effect: What the route may do.
        request_id: Ours.
        received: The provider's end-to-end fields, none where it did not answer.
        media_type: Of the body, where we made it; None where the provider's own goes through.
        key: The call's, sent back where we generated it.
        stop: What makes the provider's SDK stop repeating (`Stripe-Should-Retry: false`), set on
            an error that is not retryable.
        name: The deployment, for `Proxy-Status`.
    """
    if media_type is not None:
        received = strip_representation(received)
    is_error = needs_envelope(outcome)
    stop = stop if is_error and not outcome.is_retryable else None
    dropped = _REPLACED if is_error else _NONE
    if stop is not None:
        dropped |= {stop[0].lower()}
    fields = [field for field in received if not _is_ours(field[0])]
    if dropped:
        fields = [field for field in fields if field[0].lower() not in dropped]
    if media_type is not None:
        # RFC 6585 section 4: a 429 is never stored; no error of a payment should be.
        fields += [(b"Content-Type", media_type), (b"Cache-Control", b"no-store")]
    fields += [
        (b"Paysluice-Request-Id", _ascii(request_id)),
        (b"Paysluice-Attempts", b"%d" % outcome.attempts),
    ]
    if key is not None and key.is_generated:
        fields.append((b"Paysluice-Idempotency-Key", _ascii(key.value)))
    if isinstance(outcome, Answered) and outcome.is_replayed:
        fields.append((b"Idempotency-Replayed", b"true"))
    if is_error:
        ours = proxy_status(outcome, name=name)
        status = append_proxy_status(every(received, _PROXY_STATUS), ours)
        fields += _error_fields(outcome, effect)
        fields.append((b"Proxy-Status", status))
    elif is_in_doubt(outcome):
        fields.append(_OUTCOMES[OutcomeWord.UNKNOWN])
    if stop is not None:
        fields.append(stop)
    return tuple(fields)


def _error_fields(outcome: Outcome, effect: RouteEffect) -> list[Header]:
    fields = [
        _CODES[report_for(outcome).code],
        _OUTCOMES[word_for(outcome, effect=effect)],
        (b"Paysluice-Retryable", b"true" if outcome.is_retryable else b"false"),
    ]
    retry_after = retry_after_of(outcome)
    if retry_after is not None:
        fields.append((b"Retry-After", b"%d" % retry_after))
    if isinstance(outcome, Refused):
        if outcome.reason is Refusal.METHOD_REFUSED:
            fields.append(ALLOW)  # RFC 9110 section 15.5.6: MUST
        if outcome.quota is not None:
            fields += _quota_fields(outcome.quota)
    return fields


def _quota_fields(quota: Quota) -> list[Header]:
    """Give the fields of draft-ietf-httpapi-ratelimit-headers, sections 3 and 4."""
    name = _ascii(quota.name)  # of letters that a String of RFC 9651 holds as they are
    return [
        (b"RateLimit-Policy", b'"%s";q=%d;w=%d' % (name, quota.count, quota.window_s)),
        (b"RateLimit", b'"%s";r=0;t=%d' % (name, quota.reset_s)),
    ]


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")
