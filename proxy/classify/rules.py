"""The rules of a profile, compiled once: what an answer is asked, the cheapest questions first."""

import re
from collections.abc import Callable, Iterable
from functools import cache

from msgspec import Struct

from proxy.providers import BodyTest, Lookup, Rule, Then, compile_path, is_present
from proxy.terms import Answer, Facts
from proxy.terms.http import every


class Body(dict[Lookup, object]):
    """What stands at the paths of a parsed body: each followed once, however many rules ask."""

    __slots__ = ("_tree",)

    def __init__(self, tree: object) -> None:
        super().__init__()
        self._tree = tree

    def __missing__(self, lookup: Lookup) -> object:
        found = self[lookup] = lookup(self._tree)
        return found


class CompiledRule(Struct, frozen=True):
    """One rule of a profile, ready to be asked."""

    then: Then
    statuses: frozenset[int] | None
    methods: frozenset[str]
    operations: frozenset[str]
    codes: frozenset[str]
    types: frozenset[str]
    message: re.Pattern[str] | None
    headers: tuple[tuple[bytes, re.Pattern[str]], ...]
    body: tuple[tuple[Lookup, Callable[[object], bool]], ...]

    def holds(self, facts: Facts) -> bool:
        """Whether what was read out of an answer is what the rule asks for besides."""
        return (
            _is_one_of(facts.code, self.codes)
            and _is_one_of(facts.type, self.types)
            and (self.message is None or self.message.search(facts.message or "") is not None)
        )

    def fits(self, status: int, operation: str) -> bool:
        """Whether the rule can hold for such a status and operation."""
        return (self.statuses is None or status in self.statuses) and (
            not self.operations or operation in self.operations
        )

    def may_hold(self, answer: Answer, body: Body, method: str) -> bool:
        """Whether an answer that fits is what the rule asks for, nothing read of it."""
        if self.methods and method not in self.methods:
            return False
        if self.headers and not all(_has(answer, name, pattern) for name, pattern in self.headers):
            return False
        # Most rules end here, and `all` costs them twice.
        for lookup, is_so in self.body:  # noqa: SIM110
            if not is_so(body[lookup]):
                return False
        return True

    def concerns(self, method: str, operation: str) -> bool:
        """Whether the rule can hold for such a call at all."""
        return (not self.methods or method in self.methods) and (
            not self.operations or operation in self.operations
        )


def compile_rules(rules: Iterable[Rule]) -> tuple[CompiledRule, ...]:
    """Turn rules as they are written into ones that can be asked; a path is shared among them."""
    at, text_at = cache(compile_path), cache(_compile_text)
    return tuple(_compile_rule(rule, at, text_at) for rule in rules)


def _compile_rule(
    rule: Rule, at: Callable[[str], Lookup], text_at: Callable[[str], Lookup]
) -> CompiledRule:
    when = rule.when
    return CompiledRule(
        then=rule.then,
        statuses=when.status,
        methods=frozenset(when.methods),
        operations=frozenset(when.operations),
        codes=frozenset(code.casefold() for code in when.code),
        types=frozenset(name.casefold() for name in when.type),
        message=_compile(when.message),
        headers=tuple(
            (name.lower().encode("latin-1", "replace"), re.compile(pattern, re.IGNORECASE))
            for name, pattern in when.headers.items()
        ),
        body=tuple(_compile_test(test, at, text_at) for test in when.body),
    )


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    return None if pattern is None else re.compile(pattern, re.IGNORECASE)


def _compile_text(path: str) -> Lookup:
    find = compile_path(path)
    return lambda tree: _as_text(find(tree))


def _compile_test(
    test: BodyTest, at: Callable[[str], Lookup], text_at: Callable[[str], Lookup]
) -> tuple[Lookup, Callable[[object], bool]]:
    if test.present is not None:
        return at(test.path), is_present if test.present else _is_absent
    if test.equals is not None:
        return text_at(test.path), frozenset(map(_as_text, test.equals)).__contains__
    search = re.compile(test.matches or "", re.IGNORECASE).search
    return text_at(test.path), lambda text: isinstance(text, str) and search(text) is not None


def _is_absent(value: object) -> bool:
    return not is_present(value)


def _as_text(value: object) -> str | None:
    """Give a scalar as JSON writes it, in one case; None for what is none."""
    match value:
        case str():
            return value.strip().casefold()
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case None:
            return "null"
        case _:
            return None


def _is_one_of(word: str | None, wanted: frozenset[str]) -> bool:
    return not wanted or (word is not None and word.casefold() in wanted)


def _has(answer: Answer, name: bytes, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(value.decode("latin-1")) for value in every(answer.headers, name))
