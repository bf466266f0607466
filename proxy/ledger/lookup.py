"""Asks the provider what became of unknown payments, until it says or nobody asks any more.

Rules:

1. Only what the profile documents is asked, and only a record that `records.match` takes for ours
   settles. Not found is asked again.
2. A look-up is a read through the provider's own limits and connections, and never through the
   circuit: a provider that fails payments may still answer questions.
3. First after `every`, then less and less often (twice as long each time, up to 32 times), with
   jitter, until the payment is `give_up` old. Then a webhook or a person is left.
4. A payment of another sidecar is asked for once that one had its time: it may be gone.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from proxy.extract import Extractor
from proxy.providers import Profile
from proxy.terms import (
    Answered,
    Call,
    Clock,
    FaultOccurred,
    Headers,
    Kind,
    NewId,
    Progress,
    RouteEffect,
    Service,
)

from .decide import Source
from .entry import Entry, State
from .keeper import Keeper
from .records import Records, match, target_of
from .store import Away
from .unknowns import Unknowns

if TYPE_CHECKING:
    from tenacity import RetryCallState

ROUTE: Final = "outcome_lookup"
MAX_AT_ONCE: Final = 4
_MAX_FOLLOWED: Final = 1_000
_LOOK_S: Final = 1.0  # how often new ones are looked for
_SLOWEST: Final = 32


class LookUps:
    """Asks one provider. `watch` runs for as long as the app does."""

    def __init__(
        self,
        profile: Profile,
        service: Service,
        keeper: Keeper,
        unknowns: Unknowns,
        new_id: NewId,
        *,
        provider: str,
        account: str,
        base_path: str,
        headers: Callable[[], Headers],
        every_s: float,
        give_up_s: float,
        attempt_s: float,
    ) -> None:
        self._rules = {
            operation: (lookup, Records(lookup))
            for lookup in reversed(profile.lookups)
            if lookup.is_documented
            for operation in lookup.operations
        }
        self._extractor = Extractor(profile)
        self._note = f"look-up by profile {profile.name}, version {profile.version}"
        self._service = service
        self._keeper = keeper
        self._clock: Clock = keeper.clock
        self._unknowns = unknowns
        self._new_id = new_id
        self._provider = provider
        self._account = account
        self._base_path = base_path
        self._headers = headers
        self._every_s = every_s
        self._give_up_s = give_up_s
        self._attempt_s = attempt_s
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._followed: dict[str, asyncio.Task[None]] = {}

    async def watch(self) -> None:
        """Follow each payment that becomes unknown; never ends by itself."""
        try:
            while True:
                for entry in list(self._new()):
                    task = asyncio.ensure_future(self._follow(entry))
                    task.add_done_callback(self._report)
                    self._followed[entry.id] = task
                await self._clock.sleep(_LOOK_S)
        finally:
            for task in self._followed.values():
                task.cancel()

    async def ask(self, entry: Entry) -> bool:
        """Ask once; say whether that settled it."""
        lookup, records = self._rules[entry.operation]
        target = target_of(lookup, entry.money.reference or "", self._base_path)
        if target is None:
            return False
        async with self._places:
            outcome = await self._service(self._call(target))
        if not isinstance(outcome, Answered) or outcome.kind is not Kind.OK:
            return False
        if outcome.answer.rest is not None:  # more than is read of an answer: its end is not seen
            outcome.answer.rest.close()
            return False
        document = self._extractor.open(outcome.answer)
        # JSON, and all of it: what is cut, or is read to its first line, may hide a second record.
        said = match(entry, records.read(document.tree)) if document.is_exact else None
        if said is None or not await self._is_alone(entry):
            return False
        await self._keeper.evidence(
            entry, Source.LOOKUP, said, self._note, attempt_timeout_s=self._attempt_s
        )
        return True

    def _new(self) -> Iterator[Entry]:
        """Give those that nobody here follows yet, and forget those that are settled."""
        entries = self._unknowns.entries
        for entry_id in [each for each in self._followed if each not in entries]:
            self._followed.pop(entry_id).cancel()
        now = self._clock.wall()
        for entry in entries.values():
            is_ours = self._keeper.owns(entry) or now >= entry.lease_until + 3 * self._every_s
            if (
                entry.provider == self._provider
                and self._is_of_account(entry)
                and entry.operation in self._rules
                and entry.id not in self._followed
                and is_ours
                and self._is_due(entry)
                and len(self._followed) < _MAX_FOLLOWED
            ):
                yield entry

    async def _follow(self, entry: Entry) -> None:
        # Half a MiB that most processes never need.
        from tenacity import (  # noqa: PLC0415
            AsyncRetrying,
            retry_if_result,
            wait_exponential_jitter,
        )

        await self._clock.sleep(self._every_s)
        await AsyncRetrying(
            sleep=self._clock.sleep,
            retry=retry_if_result(lambda is_settled: not is_settled),
            wait=wait_exponential_jitter(
                multiplier=self._every_s, max=self._every_s * _SLOWEST, jitter=self._every_s / 4
            ),
            stop=lambda _: not self._is_due(entry),
            retry_error_callback=_give_up,
        )(self.ask, entry)

    def _report(self, task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None:  # a bug of ours: its text may hold anything
            self._keeper.emit(FaultOccurred("", type(fault).__name__, "lookup"))

    async def _is_alone(self, entry: Entry) -> bool:
        """Whether no other payment here has the reference: the record may be that one's."""
        found = await self._keeper.store.by_reference(entry.provider, entry.money.reference or "")
        if isinstance(found, Away):
            return False
        others = (each for each in found if each.id != entry.id and each.scope == entry.scope)
        return all(each.state is State.RELEASED for each in others)

    def _is_of_account(self, entry: Entry) -> bool:
        """Whether the credential that asks is the one that paid: no tenant's, and today's account.

        Another account's payment of the same reference would be taken for it.
        """
        account, *tenants = entry.scope.split(" ")
        return account == self._account and all(each.endswith("=") for each in tenants)

    def _is_due(self, entry: Entry) -> bool:
        return self._clock.wall() - entry.created_at < self._give_up_s

    def _call(self, target: bytes) -> Call:
        return Call(
            request_id=self._new_id(),
            provider=self._provider,
            route=ROUTE,
            operation="",
            method="GET",
            target=target,
            headers=((b"Accept", b"application/json"), *self._headers()),
            body=b"",
            effect=RouteEffect.READ,
            deadline=self._clock.monotonic() + self._attempt_s,
            progress=Progress(),
        )


def _give_up(_: "RetryCallState") -> None:
    """Ask no more: the payment stays unknown."""
