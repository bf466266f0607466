"""What went wrong below HTTP, in the words of RFC 9209 section 2.3."""

import errno
import socket
import ssl
from typing import Final

from proxy.terms import Call, Delivery, Effect, Failed, ProxyError, RouteEffect

_UNROUTABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})

# First match wins: the classes nest.
_REASONS: Final[tuple[tuple[type[BaseException], ProxyError], ...]] = (
    (ssl.CertificateError, ProxyError.TLS_CERTIFICATE_ERROR),
    (socket.gaierror, ProxyError.DNS_ERROR),
    (ConnectionRefusedError, ProxyError.CONNECTION_REFUSED),
    (TimeoutError, ProxyError.CONNECTION_TIMEOUT),
    (ConnectionError, ProxyError.CONNECTION_TERMINATED),
)


def reason_for(error: BaseException) -> ProxyError:
    """Name the reason why a connection could not be made."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLCertVerificationError):
        return _tls_reason(error)
    if isinstance(error, OSError) and error.errno in _UNROUTABLE:
        return ProxyError.DESTINATION_IP_UNROUTABLE
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return ProxyError.CONNECTION_REFUSED


def loss_reason(error: BaseException | None) -> ProxyError | None:
    """Name why an open connection was lost, where the error says more than that it was."""
    return _tls_reason(error) if isinstance(error, ssl.SSLError) else None


def _tls_reason(error: ssl.SSLError) -> ProxyError:
    # OpenSSL names what the peer sent us "…ALERT…"; everything else is our side's finding.
    if "ALERT" in (error.reason or "").upper():
        return ProxyError.TLS_ALERT_RECEIVED
    return ProxyError.TLS_PROTOCOL_ERROR


def failed(
    call: Call, reason: ProxyError, delivery: Delivery, *, status: int | None = None
) -> Failed:
    """Give the outcome of an attempt that ended without a usable answer.

    Only `Delivery.NONE` proves that nothing happened; a read never does anything.
    """
    is_harmless = delivery is Delivery.NONE or call.effect is RouteEffect.READ
    return Failed(
        reason=reason,
        effect=Effect.NONE if is_harmless else Effect.UNKNOWN,
        delivery=delivery,
        # A place in the pool that never came free: the provider was not tried.
        attempts=0 if reason is ProxyError.CONNECTION_LIMIT_REACHED else 1,
        # The certificate will be the same a moment later.
        is_transient=reason is not ProxyError.TLS_CERTIFICATE_ERROR,
        status=status,
    )
