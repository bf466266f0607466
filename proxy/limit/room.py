"""The waiting room of one provider: whoever may not go out yet waits here, and in order.

Rules:

1.  A call goes out with a token of each of its limits and a place in flight, taken together: while
    it waits it holds none of them, and whoever leaves gives nothing away.
2.  Who cannot get through before its deadline, or within what a limit lets it wait, is refused at
    once, as far as that can be told: by the tokens that those ahead of it will take. A place in
    flight comes free nobody knows when.
3.  Places in flight and tokens go to whoever is next (`lanes`), not to who happens to come by.
4.  One task lets the waiting in, and lives while somebody waits.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping

from proxy.terms import Clock, Refusal, Refused

from .admission import OUT, Admission
from .forecast import INSTANT_S, Forecast
from .give_ups import GiveUps
from .lanes import Lanes, Priority
from .learn import Hold, Spread
from .rate import RateLimit
from .settings import IN_FLIGHT, ConcurrencySettings
from .store import Ask, Away, LimitStore, Taken
from .wanted import Wanted


class WaitingRoom:
    """Lets calls out to one provider. A place is held until `leave`."""

    def __init__(self, settings: ConcurrencySettings, store: LimitStore, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._in_flight = 0
        self._lanes: Lanes[Wanted] = Lanes()
        self._forecast = Forecast(self._lanes)
        self._give_ups = GiveUps()
        self._unsent: list[tuple[Ask, ...]] = []  # tokens to be put back
        self._usher: asyncio.Task[None] | None = None
        self._bell: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"WaitingRoom({self._in_flight} of {self._settings.max}, {len(self._lanes)} waiting)"

    def go_by(self, settings: ConcurrencySettings, store: LimitStore) -> None:
        """Go by other *settings* from now on; who waits, waits as long as was said before."""
        self._settings, self._store = settings, store
        self._ring()

    @property
    def in_flight(self) -> int:
        """How many places are taken."""
        return self._in_flight

    @property
    def fill(self) -> float:
        """How much of the places is taken."""
        return self._in_flight / self._settings.max

    def waiting(self) -> Mapping[tuple[str, Priority], int]:
        """Give how many wait, by the limit that they wait for and their priority."""
        return Counter((wanted.waits_for, wanted.priority) for wanted in self._lanes)

    async def wait(self, wanted: Wanted) -> Refused | None:
        """Wait until the call may go out, or is refused: at once where it would wait in vain."""
        refused = self._look(wanted, self._clock.monotonic())
        if refused is not None:
            self._forecast.forget(wanted)
            return refused
        return await self._stay(wanted)

    async def _stay(self, wanted: Wanted) -> Refused | None:
        wanted.done = asyncio.get_running_loop().create_future()
        keys = tuple([ask.key for ask in wanted.asks])
        wanted.place = self._lanes.join(wanted, keys, wanted.blocker, wanted.priority)
        self._give_ups.add(wanted, len(self._lanes))
        self._ring()
        try:
            return await wanted.done
        except asyncio.CancelledError:
            if wanted.done.done() and not wanted.done.cancelled() and wanted.done.result() is None:
                self.unsend(wanted)  # cancelled in the moment between being let out and going
            raise
        finally:
            self._lanes.leave(wanted.place)
            self._forecast.forget(wanted)
            self._ring()

    def leave(self) -> None:
        """Give a place back."""
        self._in_flight -= 1
        if self._lanes:
            self._ring()

    def unsend(self, wanted: Wanted) -> None:
        """Give back the place and the tokens of a call that was let out and did not go."""
        self._in_flight -= 1
        if wanted.asks:
            self._unsent.append(wanted.asks)
        self._ring()

    def narrow(
        self,
        limits: tuple[RateLimit, ...],
        asks: tuple[Ask, ...],
        learnt: Hold | Spread,
        name: str | None,
    ) -> None:
        """Go by what a provider said: of the limit called *name*, of all where none is."""
        self._forecast.narrow(limits, asks, learnt, name, self._clock.monotonic())

    async def enter(
        self, limits: tuple[RateLimit, ...], asks: tuple[Ask, ...], *, is_next: bool = False
    ) -> Admission:
        """Take a place and the tokens, or neither, and note when there will be some.

        A newcomer gets none while somebody waits: *is_next* is one of those.
        """
        if (self._lanes.total and not is_next) or self._in_flight >= self._settings.max:
            return Admission.NOT_YET
        now, forecast = self._clock.monotonic(), self._forecast
        if forecast.is_narrowed and forecast.is_held(limits, asks, now):
            return Admission.NOT_YET
        self._in_flight += 1  # held while the store is asked
        if not asks:
            return OUT
        try:
            said = await self._store.take(asks, now)
        except BaseException:
            self._let_go(is_next=is_next)
            raise
        if isinstance(said, Taken):
            for limit, full_at in zip(limits, said.full_at):  # noqa: B905 - as in `decide`
                if full_at > limit.full_at:  # noqa: PLR1730 - `max` costs three times as much here
                    limit.full_at = full_at
            if forecast.is_narrowed or self._lanes.total:
                forecast.taken(limits, asks, said, now)
            return OUT
        self._let_go(is_next=is_next)
        if isinstance(said, Away):
            return Admission.AWAY
        forecast.refused(asks, said, now)
        return Admission.NOT_YET

    def _let_go(self, *, is_next: bool) -> None:
        """Give back a place that was held while the store was asked, and did not let the call out.

        Somebody may have begun to wait for it meanwhile. Who is next is asked for by the usher, who
        looks again by itself.
        """
        if is_next:
            self._in_flight -= 1
        else:
            self.leave()

    def _look(self, wanted: Wanted, now: float) -> Refused | None:
        """Say how long it waits at most, and for what; or that it would be in vain."""
        left_s = wanted.call.deadline - now
        refused = self._forecast.refused_in_vain(wanted, now, left_s)
        if refused is not None:
            return refused
        if self._in_flight < self._settings.max:
            return None
        is_full = self._lanes.count(wanted.priority) >= self._settings.max_queue
        if is_full or min(self._settings.max_wait, left_s) <= 0:
            wanted.waits_for = IN_FLIGHT
            return Refused(reason=Refusal.OVERLOADED)
        wanted.give_up_at = min(wanted.give_up_at, now + self._settings.max_wait)
        return None

    def _ring(self) -> None:
        """Have somebody look who may go."""
        if self._bell is not None:
            if not self._bell.done():
                self._bell.set_result(None)
        elif self._lanes or self._unsent:
            self._bell = asyncio.get_running_loop().create_future()
            self._usher = asyncio.create_task(self._serve())
            self._usher.add_done_callback(self._ended)

    async def _serve(self) -> None:
        try:
            while self._lanes or self._unsent:
                self._bell = asyncio.get_running_loop().create_future()
                await self._put_back()
                next_at = await self._let_out()
                self._give_up()
                if self._lanes and not self._unsent:
                    await self._sleep(min(next_at, self._give_ups.next_at))
        finally:
            self._bell = None  # whoever comes now rings for another one

    def _ended(self, usher: "asyncio.Task[None]") -> None:
        """End the calls that wait with a bug of ours: they would wait for nothing."""
        fault = None if usher.cancelled() else usher.exception()
        for wanted in list(self._lanes) if fault is not None else ():
            if fault is not None and not wanted.done.done():
                wanted.done.set_exception(fault)

    async def _put_back(self) -> None:
        unsent, self._unsent = self._unsent, []
        for asks in unsent:
            await self._store.give_back(asks, self._clock.monotonic())
            self._forecast.given_back(asks)

    async def _let_out(self) -> float:
        """Let out whoever may go; give when the next token comes that somebody waits for."""
        now = self._clock.monotonic()
        next_at = math.inf

        def is_blocked(keys: tuple[str, ...]) -> bool:
            nonlocal next_at
            free_at = self._forecast.free_at(keys)
            if free_at <= now + INSTANT_S:
                return False
            next_at = min(next_at, free_at)
            return True

        for place in self._lanes.turns(is_blocked):
            wanted = place.who
            if wanted.call.progress.is_abandoned:
                self._tell(wanted, Refused(reason=Refusal.CALLER_LEFT))
                continue
            if self._in_flight >= self._settings.max:
                wanted.waits_for = IN_FLIGHT
                break
            now = self._clock.monotonic()
            match await self.enter(wanted.limits, wanted.asks, is_next=True):
                case Admission.NOT_YET:
                    is_blocked(place.keys)
                case Admission.AWAY:
                    self._tell(wanted, Refused(reason=Refusal.LIMITS_AWAY))
                case Admission.OUT if place.is_left:  # cancelled while the store was asked
                    self.unsend(wanted)
                case Admission.OUT:
                    self._tell(wanted, None)
        return next_at

    def _give_up(self) -> None:
        """Refuse those whose time is over."""
        now = self._clock.monotonic()
        for wanted in self._give_ups.due(now):
            self._lanes.leave(wanted.place)
            wait_s = self._forecast.longest(wanted, now)
            if self._in_flight >= self._settings.max and wait_s <= 0:
                wanted.waits_for = IN_FLIGHT
                self._tell(wanted, Refused(reason=Refusal.OVERLOADED))
            else:
                self._tell(wanted, wanted.refused(wait_s))

    def _tell(self, wanted: Wanted, said: Refused | None) -> None:
        self._lanes.leave(wanted.place)
        if not wanted.done.done():
            wanted.done.set_result(said)

    async def _sleep(self, until: float) -> None:
        """Sleep until a time, or until somebody rings."""
        bell = self._bell
        assert bell is not None
        if math.isinf(until):
            await bell
            return
        timer = asyncio.ensure_future(self._clock.sleep(max(0.0, until - self._clock.monotonic())))
        timer.add_done_callback(lambda _: None if bell.done() else bell.set_result(None))
        try:
            await bell
        finally:
            timer.cancel()
