"""XML and SOAP read to a tree: no entity is expanded, nothing is fetched, what is broken is used.

Rules:

1. An element is an object: its attributes as `@name`, its child elements by their local name (a
   list where one repeats), its text as `#text`. One with nothing but text is that text.
2. Beside the root each innermost element stands by its own name, the first of each, in English
   where it stands in several languages: an error is found however deep its envelope is. So do the
   attributes of an element whose name speaks of an error.
3. A document that declares entities is hostile or odd; nothing is read of it. One that breaks off,
   or is not well formed, is read up to there.
4. Python already has text: what a document says of its encoding does not count.
"""

import re
from html.entities import name2codepoint
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_ELEMENTS: Final = 1000
_MAX_DEPTH: Final = 64
_MAX_TEXT: Final = 4096  # of one element
# What no XML may hold, and what pages for people write: `&` alone, and HTML's own entities.
_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_AMPERSAND: Final = re.compile(r"&(?!(?:lt|gt|amp|apos|quot);|#)(?:([A-Za-z]{2,8});)?")
_TAG: Final = re.compile(r"<[^<>]*>")
_PREFIX: Final = re.compile(r"(</?|\s)[A-Za-z_][\w.-]{0,50}:(?=[A-Za-z_])")
_UNBOUND: Final = 27  # expat's XML_ERROR_UNBOUND_PREFIX
_PROLOG: Final = re.compile(r"\s*(?:<\?xml[^<>]*>\s*)?")


class _Enough(Exception):  # noqa: N818 - it ends the reading, it is no error of the document
    """Raised where a document has more elements, or is deeper, than is read."""


class _Element:
    """An element that is open."""

    __slots__ = ("members", "name", "texts")

    def __init__(self, name: str, attributes: "Mapping[str, str]") -> None:
        self.name = name
        self.members: dict[str, object] = {
            f"@{_local(key)}": value[:_MAX_TEXT] for key, value in attributes.items()
        }
        self.texts: list[str] = []

    def add(self, name: str, value: object) -> None:
        """Take a child element."""
        known = self.members.get(name)
        if known is None:
            self.members[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            self.members[name] = [known, value]

    @property
    def text(self) -> str:
        """Its own text."""
        return "".join(self.texts)[:_MAX_TEXT].strip()


class _Reader:
    """Builds the tree as the parser tells of elements."""

    def __init__(self) -> None:
        self.tree: dict[str, object] = {}
        self.leaves: dict[str, object] = {}
        self._open: list[_Element] = []
        self._count = 0

    def start(self, tag: str, attributes: "Mapping[str, str]") -> None:
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) >= _MAX_DEPTH:
            raise _Enough
        self._open.append(_Element(_local(tag), attributes))

    def data(self, text: str) -> None:
        self._open[-1].texts.append(text)  # there is none outside of the root

    def end(self, _tag: str) -> None:
        self._end(is_whole=True)

    def close(self) -> None:
        """Take what is still open as it is."""
        while self._open:
            self._end(is_whole=False)

    def _end(self, *, is_whole: bool) -> None:
        element = self._open.pop()
        text = element.text
        is_leaf = all(name.startswith("@") for name in element.members)
        if is_leaf and text and is_whole:
            if element.members.get("@lang") == "en":
                self.leaves[element.name] = text
            self.leaves.setdefault(element.name, text)
            if element.name == "Value" and self._open and self._open[-1].name == "Code":
                self.leaves.setdefault("code", text)  # SOAP 1.2 part 1 section 5.4.1
        if "error" in element.name.lower():
            for name, told in element.members.items():
                if name.startswith("@") and name != "@lang":
                    self.leaves.setdefault(name[1:], told)
        if is_leaf and not element.members:
            value: object = text
        else:
            value = element.members | ({"#text": text} if text else {})
        if self._open:
            self._open[-1].add(element.name, value)
        else:
            self.tree[element.name] = value


def read_xml(text: str) -> dict[str, object] | None:
    """Give the tree of an XML document, or None where nothing can be read of it."""
    # What it takes to read XML is loaded with the first that comes: most providers send none.
    from defusedxml import DefusedXmlException  # noqa: PLC0415

    text = _repaired(text)
    try:
        reader, is_unbound = _read(text)
        if is_unbound:  # a fragment of SOAP, its namespaces left behind
            reader, _ = _read(_TAG.sub(lambda tag: _PREFIX.sub(r"\1", tag[0]), text))
    except DefusedXmlException:
        return None
    return (reader.leaves | reader.tree) or None


def _read(text: str) -> tuple[_Reader, bool]:
    """Read as far as it goes; say whether it was a prefix that nobody bound that ended it."""
    from defusedxml.ElementTree import DefusedXMLParser  # noqa: PLC0415

    reader = _Reader()
    parser = DefusedXMLParser(target=reader, forbid_entities=True, forbid_external=True)
    is_unbound = False
    try:
        parser.feed(text)
        parser.close()
    except _Enough:
        pass
    except ParseError as error:
        is_unbound = error.code == _UNBOUND
    reader.close()
    return reader, is_unbound


def _repaired(text: str) -> str:
    """Give *text* as XML may be: without what it may not hold, declared encoding and all."""
    text = _UNFIT.sub(" ", text[_PROLOG.match(text).end() :])  # type: ignore[union-attr] # matches ""
    return _AMPERSAND.sub(_spelt, text) if "&" in text else text


def _spelt(found: re.Match[str]) -> str:
    point = name2codepoint.get(found[1] or "")
    return f"&amp;{found[0][1:]}" if point is None else f"&#{point};"


def _local(tag: str) -> str:
    """Give a name without its namespace."""
    return tag.rpartition("}")[2].rpartition(":")[2]
