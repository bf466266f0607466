"""The README is run as it stands, and a page that is wrong fails."""

import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scripts.load import script

run_readme = script("run_readme")
Play = Callable[[str], int]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def run(page: str) -> int:
        page_run = run_readme.Run(tmp_path, ready_s=10, command_s=5)
        page_run.page(page.replace("~~~", "```"))
        return page_run.commands

    return run


def fault(play: Play, page: str) -> str:
    with pytest.raises(run_readme.PageError) as caught:
        play(page)
    return str(caught.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


SHOWN = """
~~~sh
echo '{"outcome":"unknown","attempts":1}'
echo done
~~~
<!-- expect: "outcome":"unknown" -->

prints

~~~json
{…"attempts":1}
done
~~~
"""


def test_a_page_that_tells_the_truth_passes(play: Play) -> None:
    assert play(SHOWN) == 1


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('expect: "outcome":"unknown"', 'expect: "outcome":"declined"'),
        ('{…"attempts":1}', '{…"attempts":2}'),
        ("done\n~~~\n\n", "done\nand more\n~~~\n"),
        ("echo done", "echo gone"),
    ],
)
def test_a_page_that_shows_something_else_fails(play: Play, right: str, wrong: str) -> None:
    page = SHOWN + "\n"
    assert right in page
    assert "expected" in fault(play, page.replace(right, wrong, 1))


def test_shown_lines_must_come_in_that_order(play: Play) -> None:
    page = "~~~sh\necho one; echo two\n~~~\n~~~text\ntwo\none\n~~~\n"
    assert "expected 'one'" in fault(play, page)


def test_a_gap_does_not_reach_over_the_end_of_a_line(play: Play) -> None:
    assert "expected" in fault(play, "~~~sh\necho one; echo two\n~~~\n~~~text\none…two\n~~~\n")


def test_a_console_block_shows_each_command_with_what_it_prints(play: Play) -> None:
    page = "~~~console\n$ echo one\none\n$ echo two\ntwo\n~~~\n"
    assert play(page) == 2
    assert "expected 'tow'" in fault(play, page.replace("\ntwo\n", "\ntow\n"))
    assert "expected 'noe'" in fault(play, page.replace("\none\n", "\nnoe\n"))


def test_a_command_that_fails_fails_the_page(play: Play) -> None:
    assert "line 1: exit code 3" in fault(play, "~~~sh\nexit 3\n~~~\n")
    assert "exit code" in fault(play, "~~~sh\nfalse | true\n~~~\n")


def test_a_command_that_hangs_fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(run_readme.PageError, match="took longer than"):
        run_readme.Run(tmp_path, command_s=0.2).page("```sh\nsleep 5\n```\n")


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("no commands at all\n", "no command"),
        ("<!-- skip: why -->\n~~~sh\nfalse\n~~~\n", "no command"),
        ("<!-- expct: x -->\n~~~sh\ntrue\n~~~\n", "no such comment: 'expct'"),
        ("<!-- expect: x -->\n~~~sh\ntrue\n~~~\n", "no command whose output"),
    ],
)
def test_a_page_that_would_check_nothing_fails(play: Play, page: str, told: str) -> None:
    assert told in fault(play, page)


def test_a_block_can_be_a_file_for_the_commands_that_follow(play: Play, tmp_path: Path) -> None:
    file = "<!-- file: a.yaml -->\n~~~yaml\nkey: 1\n~~~\n"
    assert play(file + "~~~sh\ncat a.yaml\n~~~\n<!-- expect: key: 1 -->\n") == 1
    assert not (tmp_path / "a.yaml").exists()


def test_a_file_of_somebody_is_not_overwritten(play: Play, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mine")
    assert "is there already" in fault(play, "<!-- file: a.yaml -->\n~~~yaml\nkey: 1\n~~~\n")
    assert (tmp_path / "a.yaml").read_text() == "mine"


NEEDY = "<!-- needs: sh no-such-command -->\n~~~sh\nfalse\n~~~\n~~~text\nx\n~~~\n~~~sh\ntrue\n~~~\n"


def test_a_block_that_needs_what_is_missing_is_left_out_and_fails_where_all_is_required(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUIRE_ALL", raising=False)
    assert play(NEEDY) == 1
    assert play("<!-- needs: sh -->\n~~~sh\ntrue\n~~~\n") == 1
    monkeypatch.setenv("REQUIRE_ALL", "1")
    assert "needs no-such-command" in fault(play, NEEDY)


def test_a_page_below_is_run_in_the_folder_of_the_makefile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Makefile").touch()
    (tmp_path / "docs").mkdir()
    for name in ("one.md", "docs/two.md"):
        (tmp_path / name).write_text("```sh\nls\n```\n<!-- expect: Makefile -->\n")
    assert run_readme.main([str(tmp_path / "one.md"), str(tmp_path / "docs" / "two.md")]) == 0
    assert capsys.readouterr().out.count("1 commands do what it says") == 2


def server_page(port: int) -> str:
    serve = f"{shlex.quote(sys.executable)} -m http.server --bind 127.0.0.1 {port} 2>&1"
    return (
        f"<!-- serve: http://127.0.0.1:{port}/ -->\n~~~sh\n{serve}\n~~~\n"
        f"~~~sh\ncurl -s http://127.0.0.1:{port}/\n~~~\n<!-- expect: Directory listing -->\n"
    )


def test_a_server_runs_until_the_page_ends(play: Play) -> None:
    port = free_port()
    assert play(server_page(port)) == 2
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_server_ends_with_a_page_that_fails(play: Play) -> None:
    port = free_port()
    assert "expected" in fault(play, server_page(port) + "<!-- expect: something else -->\n")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_that_is_in_use_is_told(play: Play) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in fault(play, server_page(port))


def test_a_server_that_ends_at_once_is_told(play: Play) -> None:
    page = f"<!-- serve: http://127.0.0.1:{free_port()}/ -->\n~~~sh\nexit 4\n~~~\n"
    assert "ended with 4" in fault(play, page)


def test_the_exit_code_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\necho one\n```\n<!-- expect: one -->\n")
    assert run_readme.main([str(page)]) == 0
    page.write_text("```sh\necho one\n```\n<!-- expect: two -->\n")
    assert run_readme.main([str(page)]) == 1
    assert "page.md: line 4: expected 'two'" in capsys.readouterr().err
