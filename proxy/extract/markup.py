"""HTML and XML read for their words: a bounded, linear scan that expands no entity."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

_MAX_MARKUP: Final = 32 * 1024
_MAX_PIECES: Final = 4000
_MAX_LEAVES: Final = 300
# Neither `<` nor `>` inside: a scan of hostile text stays linear.
_PIECES: Final = re.compile(r"<([^<>]*)>")
_HTML: Final = re.compile(
    r"<(?:!doctype html|html|head|body|title|h[1-6]|center|plaintext)\b", re.IGNORECASE
)
_ATTRIBUTE: Final = re.compile(r"([A-Za-z_][\w.-]{0,50})\s{0,5}=\s{0,5}[\"']([^\"']{0,300})[\"']")
_HIDDEN: Final = frozenset({"script", "style", "head", "noscript", "template", "svg"})


def is_html(text: str) -> bool:
    """Whether marked-up *text* is a page for people."""
    return _HTML.search(text[:2048]) is not None


def _strip_comments(text: str) -> str:
    first, *others = text.split("<!--")
    return first + " ".join(other.partition("-->")[2] for other in others)


def _open_cdata(text: str) -> str:
    first, *others = text.split("<![CDATA[")
    opened = [first]
    for other in others:
        inner, _, after = other.partition("]]>")
        opened.append(inner.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") + after)
    return "".join(opened)


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


def read_leaves(text: str) -> dict[str, object] | None:
    """Give the innermost elements of an XML text by name, the first of each, or None.

    A document that declares entities is hostile or odd; nothing is read of it.
    """
    if "<!ENTITY" in text[:_MAX_MARKUP]:
        return None
    leaves: dict[str, object] = {}
    opened = ""
    for stretch, tag in _pieces(_open_cdata(text[:_MAX_MARKUP])):
        if opened and tag.startswith("/") and stretch.strip():
            _keep(leaves, opened, unescape(stretch))
        opened = tag if tag and tag[0] not in "/?!" and not tag.endswith("/") else ""
        if len(leaves) >= _MAX_LEAVES:
            break
    return leaves or None


def _keep(leaves: dict[str, object], tag: str, value: str) -> None:
    name = tag.split(None, 1)[0].rpartition(":")[2]
    attributes = dict(_ATTRIBUTE.findall(tag))
    if attributes.get("xml:lang") == "en" or attributes.get("lang") == "en":
        leaves[name] = value  # of several languages, the one that logs are written in
    leaves.setdefault(name, value)
    if name.lower() == "error" and "code" in attributes:
        leaves.setdefault("code", attributes["code"])
