"""Judges answers as the profile `generic` does, or one of its own rules."""

from proxy.classify import Classifier
from proxy.providers import load, parse
from proxy.terms import (
    Answer,
    Answered,
    Delivery,
    Effect,
    Kind,
    RouteEffect,
)

GENERIC = Classifier(load("generic"))
WALL = 1_700_000_000.0
ACME = """
version: 1
name: acme
title: Acme
fields:
  code: {paths: [code], grade: documented, evidence: docs/x.md}
  type: {paths: [type], grade: documented, evidence: docs/x.md}
codes:
  grade: documented
  evidence: docs/x.md
  table: {E1: invalid_amount, E2: null, E3: expired_card, E4: duplicate_transaction}
routes:
  - {name: pay, match: POST /pay, effect: payment, grade: documented, evidence: docs/x.md}
rules: [RULES]
"""


def acme(*rules: str, grade: str = "documented") -> Classifier:
    written = ", ".join(
        f"{{name: r{n}, {rule}, grade: {grade}, evidence: docs/x.md}}"
        for n, rule in enumerate(rules)
    )
    return Classifier(parse(ACME.replace("RULES", written), name="acme"))


def judge(
    status: int,
    body: str = "",
    *headers: tuple[bytes, bytes],
    by: Classifier = GENERIC,
    effect: RouteEffect = RouteEffect.PAYMENT,
    operation: str = "pay",
    method: str = "POST",
) -> Answered:
    return by.classify(
        Answer(status=status, reason=b"", headers=headers, body=body.encode()),
        method=method,
        operation=operation,
        effect=effect,
        delivery=Delivery.COMPLETE,
        wall=WALL,
    )


def meaning(answered: Answered) -> tuple[Kind, Effect, bool]:
    return answered.kind, answered.effect, answered.is_transient
