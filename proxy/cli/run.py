"""`paysluice run` and `paysluice simulate`: serve until a signal comes."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import uvloop
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

from proxy.app import App, StartError
from proxy.observe import Output, tame
from proxy.settings import ConfigError, Settings, load, warnings
from proxy.system import NewIds, SystemClock, roll

from .main import NO
from .version import paysluice_version

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_CHARGE: Final = """curl -si {url}/sim/payments -H 'Content-Type: application/json' """
# The three lines of the README: a lost reply with a key and without one, and a rate limit.
_LINES: Final = (
    _CHARGE + """-H 'Idempotency-Key: order-1' -H 'Sim-Fault: charge_then_drop' """
    """-d '{{"amount": 1000, "currency": "EUR", "reference": "order-1"}}'""",
    _CHARGE + """-H 'Sim-Fault: charge_then_drop' """
    """-d '{{"amount": 1000, "currency": "EUR", "reference": "order-2"}}'""",
    _CHARGE + """-H 'Sim-Fault: 429_retry_after=1' """
    """-d '{{"amount": 1000, "currency": "EUR", "reference": "order-3"}}'""",
)


def run(config: str | None) -> int:
    """Serve until SIGTERM; drain then, and end at once with a second one."""
    if HttpRequestParser is HttpRequestParserPy:
        return _refuse("aiohttp runs without its C parser, which is laxer: refusing to start")
    stdout = Output(sys.stdout)
    try:
        settings = load(config, os.environ)
        app = App(
            settings,
            version=paysluice_version(),
            clock=SystemClock(),
            roll=roll,
            new_id=NewIds(),
            stdout=stdout,
            read_again=lambda: load(config, os.environ),
        )
        return uvloop.run(_serve(app, settings))
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)  # noqa: T201
        return NO
    except StartError as error:
        return _refuse(str(error))
    finally:
        stdout.close()


def simulate(port: int) -> int:
    """Serve the simulated provider alone, until a signal comes."""
    try:
        return uvloop.run(_simulate(port))
    except OSError as error:
        return _refuse(error.strerror or "cannot listen")


async def _serve(app: App, settings: Settings) -> int:
    stop = _Stop()
    _reload_at_sighup(app)
    tame(app.log, asyncio.get_running_loop())
    await app.start()
    gc.collect()
    gc.freeze()  # what lives as long as the process need not be looked through again and again
    app.log.line(
        "info",
        "started",
        version=paysluice_version(),
        address=", ".join(map(str, app.addresses)),
    )
    for finding in warnings(settings, app.profiles):
        app.log.line("warning", "config_warning", message=str(finding))
    first = app.addresses[0]
    if app.simulator is not None and first.port and settings.listen_tls is None:
        url = f"http://127.0.0.1:{first.port}"
        print(*(line.format(url=url) for line in _LINES), sep="\n", file=sys.stderr)  # noqa: T201
    await stop.first()
    app.log.line("info", "draining", signal=stop.name)
    await stop.unless_second(app.drain)
    await app.close()
    app.log.line("info", "stopped")
    return 0


async def _simulate(port: int) -> int:
    stop = _Stop()
    from proxy.simulator import Simulator  # noqa: PLC0415 - `run` may not need it

    simulator = Simulator(clock=SystemClock(), roll=roll)
    await simulator.start(port=port)
    print(f"http://127.0.0.1:{simulator.port}", flush=True)  # noqa: T201
    await stop.first()
    await simulator.stop()
    return 0


def _reload_at_sighup(app: App) -> None:
    """Have SIGHUP read the config again, at any time: it must never end the process."""
    reloads = set[asyncio.Task[Sequence[str]]]()

    def again() -> None:
        reload = asyncio.ensure_future(app.reload())
        reloads.add(reload)
        reload.add_done_callback(reloads.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again)


class _Stop:
    """Waits for the signals that end the process."""

    def __init__(self) -> None:
        self._signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self.name = ""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._signals.put_nowait, number)

    async def first(self) -> None:
        """Wait for a signal."""
        self.name = (await self._signals.get()).name

    async def unless_second(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work*, and leave it as soon as another signal comes."""
        working = asyncio.ensure_future(work())
        second = asyncio.ensure_future(self._signals.get())
        await asyncio.wait({working, second}, return_when=asyncio.FIRST_COMPLETED)
        second.cancel()
        if working.done():
            await working  # a fault in it is not lost
        working.cancel()


def _refuse(text: str) -> int:
    print(f"paysluice: {text}", file=sys.stderr)  # noqa: T201
    return NO
