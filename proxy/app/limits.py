"""The tokens of rate limits in one sidecar: its own, or those that it shares."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from proxy.limit import LimitStore
from proxy.settings import Settings, StoreFailureSettings
from proxy.stores import MemoryLimits
from proxy.terms import Clock, Emit, NewId, Sample

if TYPE_CHECKING:
    from proxy.stores.limits_shared import SharedLimits


class Limits:
    """Where all providers' tokens are. One an app."""

    def __init__(self, settings: Settings, clock: Clock, emit: Emit, new_id: NewId) -> None:
        self._own = MemoryLimits()
        self._shared = _open_shared(settings, clock, emit, new_id)

    @property
    def is_up(self) -> bool:
        """Whether those who share the limits can be asked."""
        return self._shared is None or self._shared.is_up

    def of(self, failure: StoreFailureSettings) -> LimitStore:
        """Give where a provider's tokens are, by what it does while the store is away."""
        if self._shared is None:
            return self._own
        return self._shared if failure.limits == "local" else self._shared.only_shared()

    async def start(self) -> None:
        """Make this sidecar known to those that share the limits; one that is away is no bar."""
        if self._shared is not None:
            await self._shared.start()

    async def close(self) -> None:
        """Have the others know that this one is gone."""
        if self._shared is not None:
            await self._shared.close()

    def samples(self) -> Iterator[Sample]:
        """Give the gauge of the store."""
        yield Sample("paysluice_store_up", ("limits",), float(self.is_up))

    def status(self) -> Mapping[str, object]:
        """Give what an operator is shown."""
        return {"store": "memory"} if self._shared is None else self._shared.status()


def _open_shared(
    settings: Settings, clock: Clock, emit: Emit, new_id: NewId
) -> "SharedLimits | None":
    address = settings.stores.limits
    if address.is_memory:
        return None
    from proxy.stores.limits_redis import RedisLimits  # noqa: PLC0415 - where it is used
    from proxy.stores.limits_shared import SharedLimits  # noqa: PLC0415 - where it is used

    redis = RedisLimits(address.url.reveal(clock.monotonic()), new_id())
    return SharedLimits(redis, clock, emit)
