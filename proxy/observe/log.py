"""One line on standard output for each event worth it: members from an allow-list, no others.

Never a path, a query, a header, a body, a key or the text of an exception: what is not listed
in `MEMBERS` is not written, whoever asks for it.
"""

import json
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from proxy.terms import Clock, Event

from .emit import EVERY
from .lines import RANKS, LevelName, Member, headline, members
from .redact import redact
from .stamp import stamp

MAX_MESSAGE: Final = 1000

# What a line may hold, in this order, after `time`, `level` and `event`.
MEMBERS: Final = (
    "request_id",
    "trace_id",
    "provider",
    "route",
    "method",
    "status",
    "error_code",
    "outcome",
    "attempts",
    "attempt",
    "duration_ms",
    "upstream_ms",
    "delivery",
    "reason",
    "basis",
    "denied_by",
    "delay_ms",
    "provider_code",
    "limit",
    "state",
    "result",
    "outcome_id",
    "by",
    "said",
    "store",
    "sidecars",
    "fault",
    "where",
    "is_whole",
    "version",
    "address",
    "signal",
    "calls",
    "message",
)
# What a provider says in its own words: it may repeat what it was sent.
_WORDS: Final = frozenset({"trace_id", "provider_code"})
# Gives a provider's word without the secrets that were sent to it.
Hide: TypeAlias = Callable[[str, str], str]


class Stream(Protocol):
    """Where lines go: standard output."""

    def write(self, text: str, /) -> object:
        """Write *text*; False where it is lost."""

    def flush(self) -> object:
        """Hand over what was written."""


class JsonLog:
    """Writes a JSON object a line, each in one write."""

    takes = EVERY

    def __init__(
        self, stream: Stream, level: LevelName, clock: Clock, hide: Hide = lambda _, text: text
    ) -> None:
        self._stream = stream
        self._hide = hide
        self._rank = RANKS[level]
        self._clock = clock
        self._lost = 0

    def on(self, event: Event) -> None:
        """Write what *event* tells, if its level is wanted."""
        level, name = headline(event)
        if RANKS[level] >= self._rank:
            self._write(level, name, members(event))

    def line(self, level: LevelName, event: str, /, **said: Member) -> None:
        """Write a line about the process itself: its start, a signal, a reload.

        Members that are None, or not in `MEMBERS`, are left out; `message` is redacted.
        """
        if RANKS[level] >= self._rank:
            self._write(level, event, said)

    def _write(self, level: LevelName, event: str, said: dict[str, Member]) -> None:
        content: dict[str, Member] = {
            "time": stamp(self._clock.wall()),
            "level": level,
            "event": event,
        }
        for name in MEMBERS:
            value = said.get(name)
            if value is None:
                continue
            if name == "message":
                value = _message(value)
            elif name in _WORDS:
                value = self._hide(str(said.get("provider")), str(value))
            content[name] = value
        if self._stream.write(self._render(content) + "\n") is False:
            self._lost += 1
            return
        self._stream.flush()
        if self._lost:
            lost, self._lost = self._lost, 0
            self._write("warning", "lines_lost", {"calls": lost})

    def _render(self, content: dict[str, Member]) -> str:
        return json.dumps(content)


class TextLog(JsonLog):
    """Writes lines for people: time, level and event, then `name=value`."""

    def _render(self, content: dict[str, Member]) -> str:
        time, level, event, *said = content.items()
        words = [f"{time[1]} {str(level[1]).upper():7} {event[1]}"]
        words += [f"{name}={_word(value)}" for name, value in said]
        return " ".join(words)


def _message(value: Member) -> str:
    return redact(str(value))[:MAX_MESSAGE]


def _word(value: Member) -> str:
    text = str(value)
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' "=')
    return text if is_plain and text else json.dumps(text)
