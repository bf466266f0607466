"""Pages of HTML read for their words: a bounded, linear scan that expands no entity."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

_MAX_MARKUP: Final = 32 * 1024
_MAX_PIECES: Final = 4000
# Neither `<` nor `>` inside: a scan of hostile text stays linear.
_PIECES: Final = re.compile(r"<([^<>]*)>")
_START: Final = re.compile(
    r"\s*(?:<\?[^<>]*>\s*)*(?:<(!doctype\s+html)\b|(?:<![^<>]*>\s*)*<([A-Za-z][\w.-]*)[\s/>])",
    re.IGNORECASE,
)
_PAGE_TAGS: Final = frozenset(
    {
        "a", "b", "body", "br", "center", "div", "font", "h1", "h2", "h3", "h4", "head", "hr",
        "html", "i", "link", "meta", "p", "plaintext", "pre", "script", "span", "strong", "style",
        "table", "title", "ul",
    }
)  # fmt: skip
_HIDDEN: Final = frozenset({"script", "style", "head", "noscript", "template", "svg"})


def is_html(text: str) -> bool:
    """Whether marked-up *text* is a page for people, or a piece of one: its first tag tells."""
    start = _START.match(_strip_comments(text[:2048]))
    return start is not None and (start[1] is not None or start[2].lower() in _PAGE_TAGS)


def _strip_comments(text: str) -> str:
    first, *others = text.split("<!--")
    return first + " ".join(other.partition("-->")[2] for other in others)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Give each stretch of text with the tag that follows it, "" after the last."""
    parts = _PIECES.split(_strip_comments(text[:_MAX_MARKUP]), maxsplit=_MAX_PIECES)
    for index in range(0, len(parts) - 1, 2):
        yield parts[index], parts[index + 1]
    yield parts[-1].partition("<")[0], ""


def _name(tag: str) -> str:
    """Give the local name of a tag, lower case."""
    words = tag.lstrip("/").split(None, 1)
    return words[0].rstrip("/").rpartition(":")[2].lower() if words else ""


def visible_text(text: str) -> str:
    """Give the words that a reader of a page sees; its title where it says something more."""
    title: list[str] = []
    words: list[str] = []
    hidden = ""
    is_title = False
    for stretch, tag in _pieces(text):
        if is_title:
            title.append(stretch)
        elif not hidden:
            words.append(stretch)
        name = _name(tag)
        is_title = name == "title" and not tag.startswith("/")
        if not hidden and name in _HIDDEN and not tag.startswith("/") and not tag.endswith("/"):
            hidden = name
        elif (hidden and (name == hidden and tag.startswith("/"))) or name == "body":
            hidden = ""
    seen = " ".join(unescape(" ".join(words)).split())
    heading = " ".join(unescape(" ".join(title)).split())
    if not heading or heading.lower() in seen.lower():
        return seen
    return f"{heading}: {seen}" if seen else heading
