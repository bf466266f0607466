"""What the operator has entrusted to the sidecar is shown to nobody, whatever goes wrong.

What is allowed, and so not looked at here: the provider gets its key, the proxy its password.
"""

import base64
import hmac
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.canaries.canaries import SECRETS, SPELLINGS, Eye
from tests.canaries.echo import PLACES, Echo
from tests.canaries.running import PATIENT, Running, running
from tests.canaries.test_provider import pay
from tests.support.egress import EgressProxy
from tests.support.raw import RawProvider, send

# They look like nothing that anybody could know by its shape.
OURS = {
    "PROVIDER": "blue-heron-5521",
    "USER": "green-newt-1170",
    "PASSWORD": "red-fox-9043",
    "HOOK": "grey-owl-3317-grey-owl-3317",
    "LOOKUP": "teal-crab-7781",
    "EGRESS": "pink-lynx-6602",
    "LEDGER": "gold-wasp-2280-gold-wasp-2280",
    "ADMIN": "brown-bear-4419",
    "REDIS": "white-crow-8855",
}
BASIC = base64.b64encode(f"{OURS['USER']}:{OURS['PASSWORD']}".encode()).decode()
PAID = {"amount": 1000, "currency": "EUR", "status": "succeeded"}
EYE = Eye((*OURS.values(), BASIC))


def config(folder: Path, port: int, egress: int, plain: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}"
    (folder / "lookup").write_text(OURS["LOOKUP"])
    sim = {"profile": "sim", "base_url": url, **PATIENT}
    return {
        "admin_token": "${env:ADMIN}",
        "webhooks": "127.0.0.1:0",
        "stores": {
            "ledger": f"sqlite:{folder}/ledger.db",
            "ledger_key": "${env:LEDGER}",
            "limits": "redis://:white-crow-8855@127.0.0.1:1/0",  # written out, and nobody is there
        },
        "providers": {
            "acme": sim
            | {
                "headers": {"Authorization": "Bearer ${env:PROVIDER}"},
                "webhook": {"secret": "${env:HOOK}"},
                "outcomes": {"every": "1s", "credential": f"Bearer ${{file:{folder}/lookup}}"},
            },
            "basic": sim
            | {"headers": {"Authorization": f"Basic {BASIC}", "X-Key": OURS["PROVIDER"]}},
            "tunnelled": sim
            | {
                "base_url": "https://provider.invalid",
                "egress_proxy": f"http://me:${{env:EGRESS}}@127.0.0.1:{egress}",
            },
            "handshake": sim | {"base_url": f"https://127.0.0.1:{plain}"},
        },
    }


def repeating(upstream: Echo) -> bytes:
    """Say what the last request came with, as some providers do."""
    seen = upstream.seen[0].values(b"Authorization")[0].decode() if upstream.seen else ""
    said = f"Invalid key: {seen} ({OURS['PROVIDER']})"
    return PLACES["message"](said).replace(b"402 No", b"401 No")


async def hook(port: int, one: Running, event: dict[str, Any], secret: str) -> bytes:
    """Send a webhook of the simulated provider's."""
    body, now = json.dumps(event).encode(), int(time.time())
    digest = hmac.digest(secret.encode(), f"{now}.".encode() + body, "sha256").hex()
    head = (
        "POST /webhooks/acme HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Sim-Signature: t={now},v1={digest}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return await one.ask(head.encode() + body, port)


@pytest.mark.timeout(120)
async def test_no_fault_shows_a_secret_of_the_operators(tmp_path: Path) -> None:
    refusal = b"HTTP/1.1 407 " + b"; ".join(x.encode() for x in OURS.values()) + b"\r\n\r\n"
    plain = RawProvider([], before_read=send(refusal, keep=False))
    async with Echo() as upstream, EgressProxy(says=refusal) as egress, plain:
        rest = config(tmp_path, upstream.port, egress.port, plain.port)
        async with running(tmp_path, rest.pop("providers"), OURS, **rest) as one:
            for turn in range(3):
                for name in ("acme", "basic", "tunnelled", "handshake"):
                    upstream.says = (b"", PLACES["garbage"]("x"), repeating(upstream))[turn]
                    await one.ask(pay(turn, f"/{name}/payments"))
            assert (await one.admin("/reload", "POST", {})).status == 200
            await one.look_closely()
            shown = bytes(one.served["/status"])
    assert b"[secret]" in shown
    assert b"tls_protocol_error" in shown
    assert b'"tunnel_refused"' in one.stdout
    assert b'"***"' in one.served["/config"]
    assert f"Bearer {OURS['PROVIDER']}".encode() in upstream.seen[0].head  # it was used
    assert one.leaks(EYE) == ""


@pytest.mark.timeout(120)
async def test_what_a_webhook_and_a_person_say_is_kept_without_secrets(tmp_path: Path) -> None:
    port = free_port()
    async with Echo() as upstream:
        acme = {
            "profile": "sim",
            "base_url": f"http://127.0.0.1:{upstream.port}",
            "webhook": {"secret": "${env:HOOK}"},
            "outcomes": {"lookup": "off"},
            **PATIENT,
        }
        rest: dict[str, Any] = {
            "webhooks": f"127.0.0.1:{port}",
            "stores": {"ledger": f"sqlite:{tmp_path}/ledger.db"},
        }
        async with running(tmp_path, {"acme": acme}, OURS, **rest) as one:
            texts = list(SPELLINGS.values())
            for number, _ in enumerate(texts):
                await one.ask(pay(number))
            for number, text in enumerate(texts):
                payment = {**PAID, "created": int(time.time()), "reference": f"order-{number}"}
                event = {"id": text, "payment": payment, "note": text}
                for secret in ("wrong", OURS["HOOK"]):
                    await hook(port, one, event, secret)
            settled = (await one.admin("/outcomes?settled=1")).json["outcomes"]
            for each, text in zip(settled, texts, strict=False):
                resolve = f"/outcomes/{each['id']}/resolve"
                await one.admin(resolve, "POST", {"as": "declined", "note": text})
                await one.admin(resolve, "POST", {"as": text, "note": text})
                await one.admin("/providers/acme/pause", "POST", {"paused": "none", "by": text})
            await one.look_closely()
    assert len(settled) > len(texts) // 2
    assert b"[card]" in b"".join(v for k, v in one.served.items() if k.startswith("/outcomes/"))
    assert b"[secret]" in one.outputs()["ledger.db"]
    assert one.leaks(Eye((*SECRETS, *OURS.values()))) == ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
