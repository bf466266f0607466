"""The rules of a profile, compiled once: what an answer is asked, the cheapest questions first."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from proxy.providers import BodyTest, Rule, Then, compile_path
from proxy.terms import Answer, Facts
from proxy.terms.http import every

Question: TypeAlias = Callable[[object], bool]  # of the parsed body


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule of a profile, ready to be asked."""

    then: Then
    statuses: frozenset[int] | None
    methods: frozenset[str]
    operations: frozenset[str]
    codes: frozenset[str]
    types: frozenset[str]
    message: re.Pattern[str] | None
    headers: tuple[tuple[bytes, re.Pattern[str]], ...]
    body: tuple[Question, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether what was read out of an answer is what the rule asks for besides."""
        return (
            _is_one_of(facts.code, self.codes)
            and _is_one_of(facts.type, self.types)
            and (self.message is None or self.message.search(facts.message or "") is not None)
        )

    def may_hold(self, answer: Answer, tree: object, *, method: str, operation: str) -> bool:
        """Whether an answer of a fitting status is what the rule asks for, nothing read of it."""
        if not self.concerns(method, operation):
            return False
        if self.headers and not all(_has(answer, name, pattern) for name, pattern in self.headers):
            return False
        for is_so in self.body:  # noqa: SIM110 - most rules end here, and `all` costs them twice
            if not is_so(tree):
                return False
        return True

    def concerns(self, method: str, operation: str) -> bool:
        """Whether the rule can hold for such a call at all."""
        return (not self.methods or method in self.methods) and (
            not self.operations or operation in self.operations
        )


def compile_rule(rule: Rule) -> CompiledRule:
    """Turn a rule as it is written into one that can be asked."""
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
        body=tuple(_compile_test(test) for test in when.body),
    )


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    return None if pattern is None else re.compile(pattern, re.IGNORECASE)


def _compile_test(test: BodyTest) -> Question:
    find = compile_path(test.path)
    if test.present is not None:
        is_wanted = test.present
        return lambda tree: _is_present(find(tree)) is is_wanted
    if test.equals is not None:
        wanted = frozenset(_as_text(value) for value in test.equals)
        return lambda tree: _as_text(find(tree)) in wanted
    pattern = re.compile(test.matches or "", re.IGNORECASE)

    def is_match(tree: object) -> bool:
        text = _as_text(find(tree))
        return text is not None and pattern.search(text) is not None

    return is_match


def _is_present(value: object) -> bool:
    """Whether something is there: success bodies carry `"error": null`, `""`, `[]` and `false`."""
    return value is not None and value is not False and value not in ("", [], {})


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
