"""What an HTTP status says by itself: total tables, so that every answer has a meaning."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from proxy.providers import DECLINED_STATUSES, REFUSED_STATUSES
from proxy.terms import Effect, ErrorCode, Kind
from proxy.terms.http import MAX_STATUS, MIN_ERROR_STATUS

_SERVER_ERRORS: Final = 500

_NAMED: Final[Mapping[int, ErrorCode]] = MappingProxyType(
    {
        401: ErrorCode.UNAUTHORIZED_REQUEST,
        402: ErrorCode.PAYMENT_DECLINED,
        403: ErrorCode.FORBIDDEN,
        404: ErrorCode.RESOURCE_NOT_FOUND,
        405: ErrorCode.METHOD_NOT_ALLOWED,
        407: ErrorCode.UNAUTHORIZED_REQUEST,  # a proxy on the way wants credentials
        408: ErrorCode.REQUEST_TIMEOUT,
        409: ErrorCode.CONFLICT,
        410: ErrorCode.RESOURCE_GONE,
        412: ErrorCode.CONFLICT,  # a precondition that the caller set does not hold
        413: ErrorCode.REQUEST_TOO_LARGE,
        414: ErrorCode.REQUEST_TOO_LARGE,
        419: ErrorCode.UNAUTHORIZED_REQUEST,  # Laravel: the session expired
        423: ErrorCode.RESOURCE_LOCKED,
        425: ErrorCode.TOO_EARLY,
        429: ErrorCode.RATE_LIMITED,
        431: ErrorCode.REQUEST_TOO_LARGE,
        440: ErrorCode.UNAUTHORIZED_REQUEST,  # IIS: the session expired
        451: ErrorCode.FORBIDDEN,
        498: ErrorCode.UNAUTHORIZED_REQUEST,  # ArcGIS: the token is not valid
        499: ErrorCode.REQUEST_TIMEOUT,  # nginx: whoever asked it went away
        501: ErrorCode.NOT_SUPPORTED,
        502: ErrorCode.BAD_GATEWAY,
        503: ErrorCode.SERVICE_UNAVAILABLE,
        504: ErrorCode.GATEWAY_TIMEOUT,
        505: ErrorCode.NOT_SUPPORTED,
        507: ErrorCode.SERVICE_UNAVAILABLE,
        509: ErrorCode.SERVICE_UNAVAILABLE,  # cPanel: the bandwidth is used up
        # Cloudflare, developers.cloudflare.com/support/troubleshooting/http-status-codes.
        520: ErrorCode.BAD_GATEWAY,
        521: ErrorCode.SERVICE_UNAVAILABLE,
        522: ErrorCode.GATEWAY_TIMEOUT,
        523: ErrorCode.SERVICE_UNAVAILABLE,
        524: ErrorCode.GATEWAY_TIMEOUT,
        525: ErrorCode.SERVICE_UNAVAILABLE,
        526: ErrorCode.SERVICE_UNAVAILABLE,
        527: ErrorCode.BAD_GATEWAY,
        529: ErrorCode.SERVICE_UNAVAILABLE,
        530: ErrorCode.SERVICE_UNAVAILABLE,
        598: ErrorCode.GATEWAY_TIMEOUT,
        599: ErrorCode.GATEWAY_TIMEOUT,  # proxies: the connection to the provider timed out
    }
)
ERROR_CODES: Final[Mapping[int, ErrorCode]] = MappingProxyType(
    {
        status: _NAMED.get(
            status,
            ErrorCode.INVALID_REQUEST
            if status < _SERVER_ERRORS
            else ErrorCode.INTERNAL_SERVER_ERROR,
        )
        for status in range(MIN_ERROR_STATUS, MAX_STATUS + 1)
    }
)
_THROTTLED: Final = frozenset({425, 429})
_TRANSIENT: Final = frozenset({408, 500, 502, 503, 504})
_TIMED_OUT: Final = 408


class Meaning(Struct, frozen=True):
    """What an answer means for safety: its kind, its effect, and whether it may pass."""

    kind: Kind
    effect: Effect
    is_transient: bool = False


def _mean(status: int) -> Meaning:
    if status in _THROTTLED:
        return Meaning(Kind.THROTTLED, Effect.NONE, is_transient=True)
    if status in DECLINED_STATUSES:
        return Meaning(Kind.DECLINED, Effect.SETTLED)
    if status in REFUSED_STATUSES:
        return Meaning(Kind.REJECTED, Effect.NONE)
    if status == _TIMED_OUT or status >= _SERVER_ERRORS:
        return Meaning(Kind.BROKEN, Effect.UNKNOWN, is_transient=status in _TRANSIENT)
    # 409, 423 and whatever else begins with a 4: refused, but nobody says that nothing was done.
    return Meaning(Kind.REJECTED, Effect.UNKNOWN)


MEANINGS: Final[Mapping[int, Meaning]] = MappingProxyType(
    {status: _mean(status) for status in ERROR_CODES}
)
# No answer of HTTP has such a status.
MALFORMED: Final = Meaning(Kind.BROKEN, Effect.UNKNOWN)
