"""An SDK that refuses plain http, before a sidecar that listens with TLS."""

from pathlib import Path

import trustme

from tests.sdks.apart import run_node
from tests.sdks.situations import Situation
from tests.sdks.table import SEES, SPOKEN
from tests.support.raw import RawProvider
from tests.support.sidecar import provider, sidecar

# The circuit last: the faults before it have opened it.
ORDER = [
    Situation.DECLINED,
    Situation.THROTTLED,
    Situation.PAGE,
    Situation.LOST,
    Situation.CIRCUIT,
]
# A decline is an answer, a 429 no vote: the third vote opens the circuit.
BREAKER = {"min_requests": 3, "open_for": "60s"}


async def test_an_sdk_that_refuses_plain_http_raises_its_own_exception(tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted, own = tmp_path / "ca.pem", tmp_path / "own.pem"
    authority.cert_pem.write_to_path(trusted)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(own)
    sent = ORDER[:-1]
    async with RawProvider([SPOKEN["adyen"].script(each) for each in sent]) as upstream:
        settings = provider(
            upstream.port,
            profile="adyen",
            mount="/",
            errors={"mode": "native"},
            retry={"max_attempts": 1},
            breaker=BREAKER,
        )
        tls = {"cert": str(own), "key": str(own)}
        async with sidecar({"adyen": settings}, listen_tls=tls) as proxy:
            url = f"https://localhost:{proxy.port}"
            found = await run_node("adyen_node.mjs", url, str(len(ORDER)), authority=str(trusted))
        assert dict(zip(ORDER, found, strict=True)) == SEES["adyen_node"]
        assert upstream.requests == len(sent)
