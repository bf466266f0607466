"""Points in time as people and log collectors read them (pure)."""

from datetime import UTC, datetime


def stamp(wall: float) -> str:
    """Give *wall*, Unix seconds, as RFC 3339 with milliseconds, in UTC."""
    text = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
    return f"{text.removesuffix('+00:00')}Z"
