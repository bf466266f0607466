"""What it costs to understand an error: CPU from its bytes to those of the envelope.

Three questions of the project's own bounds: 1 KB of JSON in under 100 µs, a hostile body of 10 MB
in under 20 ms, all bundled profiles loaded in under 500 ms and 10 MiB.
"""

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from proxy.classify import Classifier
from proxy.listener.respond import DEFAULT_SHAPE, About, message_for
from proxy.providers import load
from proxy.terms import Answer, Delivery, RouteEffect

STRIPE = {
    "error": {
        "advice_code": "try_again_later",
        "charge": "ch_3MmlLrLkdIwHu7ix0Jx1zLkq",
        "code": "card_declined",
        "decline_code": "generic_decline",
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "message": "Your card was declined.",
        "param": "payment_method",
        "payment_intent": {
            "id": "pi_3MmlLrLkdIwHu7ix0Jx1zLkq",
            "object": "payment_intent",
            "amount": 1099,
            "currency": "eur",
            "status": "requires_payment_method",
            "metadata": {"order": "x" * 420},
        },
        "request_log_url": "https://dashboard.stripe.com/test/logs/req_bWbVzTJkOqWbVz",
        "type": "card_error",
    }
}
SPRING = {
    "timestamp": "2026-01-05T11:13:37.000+00:00",
    "status": 422,
    "error": "Unprocessable Entity",
    "code": "VALIDATION_FAILED",
    "message": "Validation failed for object='payment'. Error count: 2",
    "path": "/v1/payments",
    "errors": [
        {"field": "amount", "message": "must be positive", "rejectedValue": -1, "code": "Min"},
        {"field": "currency", "message": "must be of ISO 4217", "rejectedValue": "x" * 500},
    ],
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
}
HOSTILE = {
    "text": b"x" * 10_000_000,
    "array": b"[" + b"1," * 4_999_999 + b"1]",
    "floats": b"[" + b"1.5," * 2_499_999 + b"1]",
    "objects": b"[" + b'{"a":1},' * 1_249_999 + b"{}]",
    "nested": b'{"a":' * 2_000_000,
    "tags": b"<a>" * 3_333_333,
    "elements": b"<r>" + b"<a b='c'>d</a>" * 700_000 + b"</r>",
    "comments": b"<html><!--" + b"<!-" * 3_333_330,
    "pairs": b"a=b&" * 2_500_000,
    "digits": b'{"code":' + b"9" * 9_999_990 + b"}",
    "escapes": b'{"message":"' + b"\\u0000" * 1_666_660 + b'"}',
    "entities": b"<html>" + b"&lt;" * 2_500_000,
}  # fmt: skip
HEADERS = ((b"Content-Type", b"application/json"), (b"Request-Id", b"req_bWbVzTJkOqWbVz"))


def understand(by: Classifier, body: bytes, status: int) -> Callable[[], object]:
    """Give what turns *body* into the bytes of an envelope."""
    answer = Answer(status=status, reason=b"", headers=HEADERS, body=body)
    about = About("0" * 32, "acme", RouteEffect.PAYMENT, DEFAULT_SHAPE)

    def once() -> object:
        outcome = by.classify(
            answer,
            method="POST",
            operation="other",
            effect=RouteEffect.PAYMENT,
            delivery=Delivery.COMPLETE,
            wall=1_700_000_000.0,
        )
        return message_for(outcome, about)

    return once


def cpu_us(work: Callable[[], object], times: int, runs: int = 5) -> tuple[float, float]:
    """Give microseconds of CPU for each time: of the fastest run, and of the median one.

    Who shares the processor makes a run slower and none faster.
    """
    took = []
    for _ in range(runs):
        began = time.process_time()
        for _ in range(times):
            work()
        took.append((time.process_time() - began) / times * 1e6)
    return min(took), statistics.median(took)


def load_all() -> tuple[float, float]:
    """Load and compile all profiles; give milliseconds of CPU and MiB, in a fresh process."""
    program = f"import bench.normalise as b; b.{_load_here.__name__}()"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    milliseconds, mebibytes = told.stdout.split()
    return float(milliseconds), float(mebibytes)


def _load_here() -> None:
    from proxy.providers import names  # noqa: PLC0415

    load("generic")  # the schema, which any one profile needs
    before_kib = _resident_kib()
    began = time.process_time()
    kept = [Classifier(load(name)) for name in names()]
    took_ms = (time.process_time() - began) * 1e3
    grown_kib = _resident_kib() - before_kib
    print(took_ms, grown_kib / 1024 if kept else 0)


def _resident_kib() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024


def main() -> None:
    """Measure, and print what came of it."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    generic = Classifier(load("generic"))
    for name, by, body, status in (
        ("stripe, as stripe", Classifier(load("stripe")), STRIPE, 402),
        ("stripe, as generic", generic, STRIPE, 402),
        ("spring, as generic", generic, SPRING, 422),
    ):
        raw = json.dumps(body).encode()
        least, usual = cpu_us(understand(by, raw, status), 200, runs=40)
        print(f"{name}: {len(raw)} bytes of JSON in {least:.0f} us at best, {usual:.0f} as a rule")
    for name, hostile in HOSTILE.items():
        took_ms = cpu_us(understand(generic, hostile, 400), 1)[1] / 1000
        print(f"hostile, {name}: {len(hostile) / 1e6:.1f} MB in {took_ms:.1f} ms")
    took = statistics.median(load_all()[0] for _ in range(3))
    print(f"all profiles: {took:.0f} ms, {load_all()[1]:.1f} MiB")


if __name__ == "__main__":
    main()
