"""What the ledger's store has not taken yet, tried again until it has."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeAlias

from proxy.terms import Clock, Emit, FaultOccurred

MAX_UNWRITTEN: Final = 1_000
_AGAIN_S: Final = 1.0

Write: TypeAlias = Callable[[], Awaitable[bool]]  # whether the store has it


class Unwritten:
    """Steps by their names: a newer one takes the place of one that was not written."""

    def __init__(
        self, clock: Clock, emit: Emit, run: Callable[[Coroutine[Any, Any, None]], object]
    ) -> None:
        self._clock = clock
        self._emit = emit
        self._run = run
        self._steps: dict[str, Write] = {}
        self._is_writing = False

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def is_full(self) -> bool:
        """Whether too much is to be written already for anybody to send."""
        return len(self._steps) >= MAX_UNWRITTEN

    async def insist(self, name: str, write: Write) -> None:
        """Take a step, now or as soon as it can be taken."""
        if await write():
            self._steps.pop(name, None)  # an older one would undo it, or do it again
            return
        self._steps[name] = write
        if not self._is_writing:
            self._is_writing = True
            self._run(self._write_again())

    async def _write_again(self) -> None:
        try:
            while self._steps:
                await self._clock.sleep(_AGAIN_S)
                for name, write in list(self._steps.items()):
                    if self._steps.get(name) is not write:
                        continue  # while another one was written, a newer one came
                    is_written = await self._is_written(write)
                    if self._steps.get(name) is write:  # no newer one has taken its place
                        del self._steps[name]
                        if not is_written:  # the next look begins with another one
                            self._steps[name] = write
                    if not is_written:
                        break
        finally:
            self._is_writing = False

    async def _is_written(self, write: Write) -> bool:
        try:
            return await write()
        except Exception as fault:  # noqa: BLE001 - a bug in one step keeps no other from the disk
            self._emit(FaultOccurred("", type(fault).__name__, "ledger"))
            return False
