"""Run the commands of a Markdown page as they stand, and check what it says they print.

    python scripts/run_readme.py README.md docs/getting-started.md

- A fenced `sh` block is run by bash, in the folder of the repository (the nearest one above the
  page with a Makefile). So are the lines of a
  `console` block that begin with `$ `; its other lines are what they print.
- A `text` or `json` block that follows is what the commands before it print: its lines occur in
  what they printed, in that order, and `…` stands for anything.
- HTML comments before a block (`expect`: after it) say the rest:

      <!-- serve: http://127.0.0.1:9090/readyz -->   runs in the background until the page ends;
                                                     the first URL must answer 200; all their
                                                     ports must be free before
      <!-- expect: "outcome":"unknown" -->           the commands before it print this too
      <!-- file: acme.yaml -->                       the block is saved under this name
      <!-- needs: node npm -->                       the block is left out where one of these
                                                     commands is missing; with REQUIRE_ALL
                                                     it fails
      <!-- skip: why -->                             the block is not run

Exit code 1: something did not come out as the page says, and it is named.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

COMMAND_S: Final = 60.0
READY_S: Final = 300.0  # `make run` on a fresh machine installs first
STOP_S: Final = 60.0
SHELL: Final = ("bash", "-euo", "pipefail", "-c")

_TOKEN: Final = re.compile(
    r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```[ ]*$"
    r"|^<!--[ ](?P<word>\w+):[ ](?P<value>.*?)[ ]-->[ ]*$",
    re.MULTILINE | re.DOTALL,
)
_WORDS: Final = frozenset({"serve", "expect", "file", "needs", "skip"})


class PageError(Exception):
    """The page does not say what happens, at this line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}: {text}")


@dataclass(frozen=True)
class Token:
    """A fenced block, or one of our comments, with its line on the page."""

    line: int
    kind: str
    text: str


def tokens(page: str) -> list[Token]:
    """Give the blocks and comments of *page* in order."""
    found = []
    for match in _TOKEN.finditer(page):
        line = page.count("\n", 0, match.start()) + 1
        word = match["word"]
        if word is not None and word not in _WORDS:
            raise PageError(line, f"no such comment: {word!r}")
        kind = word or match["language"]
        found.append(Token(line, kind, match["value"] if word else match["text"]))
    return found


class Run:
    """One run of a page in a folder."""

    def __init__(
        self, folder: Path, *, ready_s: float = READY_S, command_s: float = COMMAND_S
    ) -> None:
        self._folder = folder
        self._ready_s = ready_s
        self._command_s = command_s
        self._servers: list[subprocess.Popen[bytes]] = []
        self._files: list[Path] = []
        self._printed: str | None = None
        self.commands = 0
        self.left_out = 0

    def page(self, page: str) -> None:
        """Do what *page* says, or raise `PageError` where something else comes out."""
        pending: dict[str, str] = {}
        try:
            for token in tokens(page):
                if token.kind == "expect":
                    self._expect(token.line, [token.text])
                elif token.kind in _WORDS:
                    pending[token.kind] = token.text
                else:
                    self._block(token, pending)
                    pending = {}
            if not self.commands:
                raise PageError(1, "the page has no command to run")
        finally:
            self._clean_up()

    def _block(self, block: Token, pending: dict[str, str]) -> None:
        missing = [name for name in pending.get("needs", "").split() if shutil.which(name) is None]
        if missing and os.environ.get("REQUIRE_ALL"):
            raise PageError(block.line, f"needs {', '.join(missing)}, and REQUIRE_ALL is set")
        if "skip" in pending or missing:
            self.left_out += bool(missing)
            self._printed = None
        elif "file" in pending:
            self._save(block, pending["file"])
        elif "serve" in pending:
            self._serve(block, pending["serve"].split())
        elif block.kind == "sh":
            self._printed = self._command(block.line, block.text)
        elif block.kind == "console":
            self._console(block)
        elif block.kind in {"text", "json"} and self._printed is not None:
            self._expect(block.line, block.text.splitlines())

    def _console(self, block: Token) -> None:
        shown: list[str] = []
        self._printed = None
        for line in block.text.splitlines():
            if not line.startswith("$ "):
                shown.append(line)
                continue
            if self._printed is not None:
                self._expect(block.line, shown)
            shown = []
            self._printed = self._command(block.line, line.removeprefix("$ "))
        self._expect(block.line, shown)

    def _command(self, line: int, command: str) -> str:
        self.commands += 1
        try:
            done = subprocess.run(
                [*SHELL, command],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self._command_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PageError(
                line, f"took longer than {self._command_s:g} s: {command.strip()}"
            ) from error
        printed = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
        if done.returncode:
            raise PageError(line, f"exit code {done.returncode}: {command.strip()}\n{printed}")
        return printed

    def _expect(self, line: int, shown: list[str]) -> None:
        if self._printed is None:
            raise PageError(line, "there is no command whose output this could be")
        position = 0
        for wanted in filter(str.strip, shown):
            pattern = ".*?".join(map(re.escape, wanted.split("…")))
            match = re.compile(pattern).search(self._printed, position)
            if match is None:
                told = f"expected {wanted!r}, but this was printed:\n{self._printed}"
                raise PageError(line, told)
            position = match.end()

    def _save(self, block: Token, name: str) -> None:
        file = self._folder / name
        if file.exists():
            raise PageError(block.line, f"{name} is there already")
        file.write_text(block.text, encoding="utf-8")
        self._files.append(file)

    def _serve(self, block: Token, urls: list[str]) -> None:
        for url in urls:
            port = urlsplit(url).port or 80
            if _is_taken(port):
                raise PageError(block.line, f"port {port} is in use: stop what is there")
        server = subprocess.Popen(
            [*SHELL, block.text],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # a group of its own: make and what it started end together
        )
        self._servers.append(server)
        self.commands += 1
        end = time.monotonic() + self._ready_s
        while not _answers(urls[0]):
            if server.poll() is not None:
                told = f"ended with {server.returncode}: {block.text.strip()}"
                raise PageError(block.line, told)
            if time.monotonic() > end:
                told = f"{urls[0]} was not ready in {self._ready_s:g} s"
                raise PageError(block.line, told)
            time.sleep(0.1)

    def _clean_up(self) -> None:
        for file in self._files:
            file.unlink(missing_ok=True)
        for server in self._servers:
            stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the group of processes that *server* leads, with patience first."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        number, end = int(wanted), time.monotonic() + STOP_S
        while time.monotonic() < end:
            try:
                os.killpg(server.pid, number)
            except ProcessLookupError:
                return
            number = 0  # from now on: is one of them left?
            server.poll()
            time.sleep(0.05)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the page's own http URL
            return True
    except OSError:
        return False


def folder_of(page: Path) -> Path:
    """Give the folder that the commands of *page* are run in."""
    return next((each for each in page.parents if (each / "Makefile").exists()), page.parent)


def main(arguments: list[str]) -> int:
    """Run the pages that are named, one after the other; say on stderr what differs."""
    for name in arguments or ["README.md"]:
        page = Path(name).resolve()
        run = Run(folder_of(page))
        try:
            run.page(page.read_text(encoding="utf-8"))
        except PageError as error:
            print(f"{page.name}: {error}", file=sys.stderr)
            return 1
        left_out = f", {run.left_out} blocks left out" if run.left_out else ""
        print(f"{page.name}: {run.commands} commands do what it says{left_out}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what we started ends with us
    sys.exit(main(sys.argv[1:]))
