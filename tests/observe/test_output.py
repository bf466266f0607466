"""A log that nobody reads holds up nobody."""

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TextIO

import pytest

from proxy.observe import JsonLog, Output
from proxy.observe.output import MAX_BACKLOG
from tests.support.clock import FakeClock


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, int]]:
    """Where to write, and where what was written is read."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as file:
        yield file, reader
    os.close(reader)


def log_to(file: TextIO) -> JsonLog:
    return JsonLog(Output(file), "info", FakeClock())


def read(reader: int) -> list[dict[str, object]]:
    return [json.loads(line) for line in os.read(reader, 1 << 20).splitlines()]


def test_lines_go_through_a_pipe_as_they_come(pipe: tuple[TextIO, int]) -> None:
    file, reader = pipe
    log = log_to(file)
    log.line("info", "started", message="1")
    log.line("info", "started", message="2")
    assert [line["message"] for line in read(reader)] == ["1", "2"]


def read_exactly(reader: int, count: int) -> int:
    read = 0
    while read < count:
        read += len(os.read(reader, 1 << 16))
    return read


def read_all(output: Output, reader: int) -> list[dict[str, object]]:
    data = b""
    while output._backlog:
        data += os.read(reader, 1 << 20)
        output._pass_on()
    return [json.loads(line) for line in (data + os.read(reader, 1 << 20)).splitlines()]


@pytest.mark.timeout(10)
def test_a_reader_who_stops_loses_lines_and_is_told_how_many(pipe: tuple[TextIO, int]) -> None:
    file, reader = pipe
    output, count = Output(file), 1000
    log = JsonLog(output, "info", FakeClock())
    for number in range(count):
        log.line("info", "started", message=f"{number} " + "ü" * 900)  # longer than a page each
    assert len(output._backlog) <= MAX_BACKLOG
    os.read(reader, 1 << 16)  # the last line of it is begun and not ended
    log.line("info", "started", message="again")
    *_, again, lost = read_all(output, reader)[1:]
    assert again["message"] == "again"
    assert lost["event"] == "lines_lost"
    assert 0 < int(str(lost["calls"])) < count


async def test_a_reader_who_is_slow_loses_nothing(pipe: tuple[TextIO, int]) -> None:
    file, reader = pipe
    os.set_blocking(reader, False)
    log = log_to(file)
    for number in range(150):  # more than the pipe holds
        log.line("info", "started", message=f"{number} " + "ü" * 900)
    data = b""
    while data.count(b"\n") < 150:
        with contextlib.suppress(BlockingIOError):
            data += os.read(reader, 1 << 20)
        await asyncio.sleep(0)
    messages = [json.loads(line)["message"] for line in data.splitlines()]
    assert [int(message.split()[0]) for message in messages] == list(range(150))


def test_what_is_left_at_the_end_is_written_as_it_is_read(pipe: tuple[TextIO, int]) -> None:
    file, reader = pipe
    output = Output(file)
    text = "x" * 200_000
    output.write(text)
    with ThreadPoolExecutor() as pool:
        found = pool.submit(read_exactly, reader, len(text))
        output.close()
        assert found.result() == len(text)


def test_a_reader_who_is_gone_loses_lines_and_nothing_else() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as file:
        log_to(file).line("info", "started")
        assert Output(file).write("x") is False


def test_what_is_no_pipe_is_written_as_it_comes() -> None:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        log_to(file).line("info", "started", message="1")
        file.seek(0)
        assert json.loads(file.read())["message"] == "1"
