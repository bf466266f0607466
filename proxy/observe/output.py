"""Standard output that blocks nobody: payments do not wait for whoever reads the log."""

import asyncio
import contextlib
import os
import select
import stat
from typing import Final, TextIO

MAX_BACKLOG: Final = 1024 * 1024  # bytes kept for a reader who is slow
_LAST_MS: Final = 1000  # at the end of the process, for what is left
# POSIX promises so many bytes of a pipe that takes anything at all (PIPE_BUF of Linux).
_AT_ONCE: Final = 4096


class Output:
    """Lines to a pipe or a socket as its reader leaves room; to anything else as they come.

    What finds no room is kept, and written as there is some; where too much is kept, what comes is
    lost. The flag that would make all of the pipe's writers non-blocking is left alone: others may
    write to it too.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._poll: select.poll | None = None
        self._number = -1
        self._backlog = bytearray()
        self._watched_by: asyncio.AbstractEventLoop | None = None
        with contextlib.suppress(OSError):  # it is no file of the system's, but somebody's buffer
            self._number = file.fileno()
            mode = os.fstat(self._number).st_mode
            if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
                self._poll = select.poll()
                self._poll.register(self._number, select.POLLOUT)

    def write(self, text: str, /) -> bool:
        """Write *text*; False: there was no room, and it is lost."""
        if self._poll is None:
            self._file.write(text)
            return True
        if self._backlog:
            self._pass_on()
        data = text.encode()
        if len(self._backlog) + len(data) > MAX_BACKLOG:
            return False
        self._backlog += data
        return self._pass_on()

    def flush(self) -> None:
        """Hand over what was written, as far as there is room."""
        if self._poll is None:
            self._file.flush()

    def close(self) -> None:
        """Give a reader a last second for each page. Call it once no loop runs any more."""
        self._watched_by = None
        while self._backlog and self._poll is not None and self._poll.poll(_LAST_MS):
            self._pass_on()

    def _pass_on(self) -> bool:
        """Write as much as there is room for; False where nobody reads any more."""
        assert self._poll is not None
        is_read = True
        try:
            while self._backlog and self._poll.poll(0):
                del self._backlog[: os.write(self._number, self._backlog[:_AT_ONCE])]
        except OSError:
            self._backlog.clear()
            is_read = False
        self._watch()
        return is_read

    def _watch(self) -> None:
        """Have the loop, where one runs, go on as soon as there is room."""
        if self._backlog and self._watched_by is None:
            with contextlib.suppress(RuntimeError):
                self._watched_by = asyncio.get_running_loop()
                self._watched_by.add_writer(self._number, self._pass_on)
        elif not self._backlog and self._watched_by is not None:
            self._watched_by.remove_writer(self._number)
            self._watched_by = None
