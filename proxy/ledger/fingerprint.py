"""What makes two requests the same: method, path and body, JSON compared by what it says. Pure.

Rules:

1. JSON is compared without regard to white space, the order of members and the way that a number or
   a character is spelt (`1.0` is `1`, as in RFC 8785): SDKs write one body in more than one way.
2. What is no JSON object or array is compared byte for byte; so is JSON in which a member stands
   twice, of which readers think differently.
3. Members that a setting names are left out, if they hold no others. None of them can be the
   amount, the currency or the destination: `parse_ignored` refuses such a setting. They are named
   by JMESPath as far as that says where they stand: a filter or a function selects by what a
   request says, and the request itself would choose what counts.
4. Headers do not count: a fresh signature, a trace or a date makes no other payment.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context
from enum import Enum
from typing import Any, Final, TypeAlias

from jmespath.exceptions import JMESPathError
from jmespath.parser import Parser

_MAX_NUMBER: Final = 400  # characters: what is longer is compared as it is written
_EXACT: Final = Context(prec=_MAX_NUMBER, Emax=MAX_EMAX, Emin=MIN_EMIN)
# An object stands in a wrapping of its own, so that no object can look like a number.
_OBJECT: Final = "o"
_NUMBER: Final = "n"
# What a payment is: left out, two payments would be taken for one, and the second never made.
_NEVER: Final = re.compile(
    r"amount|value|total|sum|price|currency|destination|account|iban|card|token|source|customer"
    r"|recipient|beneficiary|payee|wallet|address|bank|phone|email|quantity|unit"
    r"|receiver|creditor|msisdn|vpa|upi|payment_?method|instrument|payout|transfer|mandate|mobile|pix|clabe|routing|nonce|merchant_?id"
)
_NEVER_BY_ITSELF: Final = frozenset(
    {"to", "pan", "payer", "party", "sku", "plan", "bic", "number", "pin"}
)


class Each(Enum):
    """A step to everything that stands there."""

    ITEM = "[*]"
    MEMBER = "*"


Step: TypeAlias = str | int | Each
Ignored: TypeAlias = tuple[tuple[Step, ...], ...]


class _Twice(Exception):  # noqa: N818 - no error of the request: it is compared byte for byte
    """Raised where a member stands twice."""


def parse_ignored(paths: Iterable[str]) -> Ignored:
    """Give JMESPath expressions of members that do not count, ready to be left out.

    Raises:
        ValueError: one does not say where a member stands, or names what a payment is.
    """
    return tuple(_parse(path) for path in paths)


def _parse(path: str) -> tuple[Step, ...]:
    try:
        steps = tuple(_steps(Parser().parse(path).parsed))
    except JMESPathError:
        steps = ()
    if not steps or not isinstance(steps[-1], str):
        msg = f"{path!r} is no JMESPath of a member, such as `metadata.sent_at` or `items[*].note`"
        raise ValueError(msg)
    is_named = any(isinstance(step, str) and _NEVER.search(step.lower()) for step in steps)
    if is_named or steps[-1].lower() in _NEVER_BY_ITSELF:
        msg = f"{path!r} may be what is paid, in what, or to whom: it always counts"
        raise ValueError(msg)
    return steps


def _steps(node: Mapping[str, Any]) -> Iterator[Step]:
    """Give the steps of a parsed expression; the last of one that is more than a place is none."""
    children = node["children"]
    match node["type"]:
        case "field":
            yield node["value"]
        case "index":
            yield node["value"]
        case "subexpression" | "index_expression":
            for child in children:
                yield from _steps(child)
        case "projection" | "value_projection" as kind:
            yield from _steps(children[0])
            yield Each.ITEM if kind == "projection" else Each.MEMBER
            yield from _steps(children[1])
        case "identity" | "current":
            pass
        case _:
            raise JMESPathError


def fingerprint(method: str, target: bytes, body: bytes, ignored: Ignored = ()) -> bytes:
    """Give 32 bytes that are the same for the same request only."""
    digest = hashlib.sha256()
    for part in (method.encode("latin-1", "replace"), target, _canonical(body, ignored)):
        digest.update(len(part).to_bytes(8, "big"))  # so that no part runs into the next
        digest.update(part)
    return digest.digest()


def _canonical(body: bytes, ignored: Ignored) -> bytes:
    try:
        tree = json.loads(
            body,
            object_pairs_hook=_members,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_number,
        )
    except (ValueError, RecursionError, _Twice):
        return b"raw:" + body
    if not isinstance(tree, list) and not (isinstance(tree, dict) and _OBJECT in tree):
        return b"raw:" + body
    for steps in ignored:
        _leave_out(tree, steps)
    try:
        text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        return b"raw:" + body
    return b"json:" + text.encode("ascii")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Twice
    return {_OBJECT: members}


def _number(written: str) -> object:
    """Give a number as one text for each value."""
    if len(written) > _MAX_NUMBER:
        return {_NUMBER: written}
    try:
        value = _EXACT.normalize(_EXACT.create_decimal(written))
    except ArithmeticError:  # more than any exponent
        return {_NUMBER: written}
    return {_NUMBER: "0" if value.is_zero() else str(value)}


def _leave_out(tree: object, steps: tuple[Step, ...]) -> None:
    step, *rest = steps
    if not rest:
        # A member that holds others may hold the amount: only a value by itself is left out.
        if not _is_a_tree(_inside(tree).get(str(step))):
            _inside(tree).pop(str(step), None)
        return
    for below in _below(tree, step):
        _leave_out(below, tuple(rest))


def _is_a_tree(value: object) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and _OBJECT in value)


def _below(tree: object, step: Step) -> Iterable[object]:
    match step:
        case str():
            return (_inside(tree).get(step),)
        case Each.MEMBER:
            return _inside(tree).values()
        case Each.ITEM:
            return tree if isinstance(tree, list) else ()
        case _:
            return tree[step : step + 1 or None] if isinstance(tree, list) else ()


def _inside(tree: object) -> dict[str, object]:
    members = tree.get(_OBJECT) if isinstance(tree, dict) else None
    return members if isinstance(members, dict) else {}
