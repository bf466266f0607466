"""How long to wait before the next attempt: exponential, with full jitter."""

from .settings import BackoffSettings


def delay_s(
    attempt: int, settings: BackoffSettings, *, chance: float, floor_s: float | None
) -> float:
    """Give the seconds to wait after attempt number *attempt*; *chance* is in [0, 1).

    Full jitter spreads the repeats of a crowd over the whole interval, which costs the provider
    least. *floor_s* is the provider's Retry-After (RFC 9110 section 10.2.3): never sooner, and
    never cut down to `cap`, which bounds our own patience and not the provider's.
    """
    ceiling_s = _ceiling_s(attempt, settings)
    waited_s = ceiling_s * chance if settings.jitter == "full" else ceiling_s
    return max(waited_s, floor_s or 0.0)


def _ceiling_s(attempt: int, settings: BackoffSettings) -> float:
    try:
        grown_s = settings.base * settings.factor ** (attempt - 1)
    except OverflowError:  # float ** int raises where float * float would give infinity
        return settings.cap
    return min(settings.cap, grown_s)
