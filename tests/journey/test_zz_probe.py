from tests.support.caller import *
from tests.support.raw import *
from tests.support.sidecar import *


async def test_storm():
    async with (
        RawProvider([hang], before_read=send(b"220 smtp ready\r\n")) as u,
        sidecar({"acme": provider(u.port, timeouts={"attempt": "1s"})}) as here,
    ):
        r = await here.ask("PUT", "/acme/x", body=b"x")
        print(r.status, r.json["attempts"], u.connections, u.requests)


async def test_storm2():
    async with (
        RawProvider([hang], before_read=close) as u,
        sidecar({"acme": provider(u.port, timeouts={"attempt": "1s"})}) as here,
    ):
        r = await here.ask("PUT", "/acme/x", body=b"x" * 10)
        print(r.status, r.json["attempts"], r.json["outcome"], u.connections, u.requests)
