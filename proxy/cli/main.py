"""The commands of `paysluice`, and what each takes."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from .crash import hide_texts

NO: Final = 1
_ADMIN: Final = "http://127.0.0.1:9090"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and give its exit code."""
    if argv is None:  # we are the process, and not called by a test
        hide_texts()
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
    except BrokenPipeError:  # whoever read our output has gone: `paysluice profiles | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


@contextmanager
def _light_imports() -> Iterator[None]:
    """Import aiohttp without the certificates for its client, which nothing here uses.

    It loads the system's when it is imported: 0.1 s and 2 MiB of a start that has 1.0 s and 60 MiB.
    Meanwhile OpenSSL looks for them where there are none.
    """
    kept = {name: os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    os.environ.update(dict.fromkeys(kept, os.devnull))
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _run(arguments: argparse.Namespace) -> int:
    with _light_imports():
        from .run import run  # noqa: PLC0415

    return run(arguments.config)


def _check(arguments: argparse.Namespace) -> int:
    with _light_imports():
        from .check import check  # noqa: PLC0415

    return check(arguments.file)


def _explain(arguments: argparse.Namespace) -> int:
    with _light_imports():
        from .explain import Question, explain  # noqa: PLC0415

    question = Question(
        provider=arguments.provider,
        config=arguments.config,
        method=arguments.method,
        path=arguments.path,
        key=arguments.key,
    )
    return explain(question, arguments.file)


def _profiles(arguments: argparse.Namespace) -> int:
    from .profiles import profiles, prove  # noqa: PLC0415

    words: list[str] = arguments.words
    if words[:1] == ["test"] and len(words) == len(("test", "FILE", "CASES")):
        return prove(words[1], words[2])
    if len(words) > 1 or words == ["test"]:
        arguments.refuse("takes NAME, or test FILE.yaml CASES.jsonl")  # and exits
    return profiles(words[0] if words else None)


def _outcomes(arguments: argparse.Namespace) -> int:
    from . import outcomes as command  # noqa: PLC0415
    from .operator import Admin  # noqa: PLC0415

    admin = Admin(arguments.admin, arguments.token)
    match arguments.words:
        case [] | ["list"]:
            return command.outcomes(admin, settled=arguments.settled, reference=arguments.reference)
        case ["export"]:
            return command.export(admin)
        case ["show", outcome_id]:
            return command.show(admin, outcome_id)
        case ["resolve", outcome_id] if arguments.said and arguments.note:
            return command.resolve(admin, outcome_id, arguments.said, arguments.note)
        case ["resolve", _]:
            arguments.refuse("resolve takes ID --as … --note …")  # and exits
        case _:
            arguments.refuse("takes list, show ID, resolve ID --as … --note …, or export --csv")
    return NO


def _health(arguments: argparse.Namespace) -> int:
    from .health import health  # noqa: PLC0415
    from .operator import Admin  # noqa: PLC0415

    return health(Admin(arguments.admin, None))


def _simulate(arguments: argparse.Namespace) -> int:
    with _light_imports():
        from .run import simulate  # noqa: PLC0415

    return simulate(arguments.port)


def _version(_: argparse.Namespace) -> int:
    from .version import describe  # noqa: PLC0415

    print(describe())  # noqa: T201
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paysluice",
        description="A sidecar between an application and its payment providers.",
        epilog="example: paysluice run --config /etc/paysluice.yaml",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, about: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=about, description=about, epilog=f"example: paysluice {example}"
        )

    run = add("run", "serve until SIGTERM", "run --config /etc/paysluice.yaml")
    run.add_argument(
        "--config",
        metavar="FILE",
        help="default: $PAYSLUICE_CONFIG, else the embedded quickstart with a simulated provider",
    )
    run.set_defaults(command=_run)

    check = add("check", "validate a config, all faults at once", "check /etc/paysluice.yaml")
    check.add_argument("file", metavar="FILE", nargs="?", help="default: as `run` has it")
    check.set_defaults(command=_check)

    explain = add(
        "explain",
        "say what a raw HTTP response means, and whether its request may be repeated",
        "explain --provider spotflow --method POST --path /payments answer.http",
    )
    explain.add_argument("--provider", required=True, metavar="NAME")
    explain.add_argument("--config", metavar="FILE", help="default: NAME is a bundled profile")
    explain.add_argument("--method", default="POST", metavar="M", help="default: POST")
    explain.add_argument("--path", default="/", metavar="P", help="below the mount; default: /")
    explain.add_argument("--key", metavar="K", help="the idempotency key of the request")
    explain.add_argument("file", metavar="FILE", nargs="?", default="-", help="default: -")
    explain.set_defaults(command=_explain)

    profiles = add(
        "profiles",
        "list the bundled provider profiles, print one, or test one on recorded answers",
        "profiles akua; paysluice profiles test acme.yaml cases.jsonl",
    )
    profiles.add_argument(
        "words", metavar="NAME | test FILE.yaml CASES.jsonl", nargs="*", default=[]
    )
    profiles.set_defaults(command=_profiles, refuse=profiles.error)

    _add_outcomes(add)
    health = add(
        "health",
        "ask a running sidecar whether it is ready; exit 0 where it is",
        "health --admin http://127.0.0.1:9090",
    )
    _add_admin(health)
    health.set_defaults(command=_health)

    simulate = add("simulate", "serve the simulated provider alone", "simulate --port 8081")
    simulate.add_argument("--port", type=_port, default=8081, metavar="N", help="default: 8081")
    simulate.set_defaults(command=_simulate)

    version = add("version", "print the versions of Paysluice, Python and aiohttp", "version")
    version.set_defaults(command=_version)
    return parser


def _add_outcomes(add: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    outcomes = add(
        "outcomes",
        "list, show and settle the payments whose outcome is or was not known",
        'outcomes resolve ID --as succeeded --note "charge ch_17 in the dashboard"',
    )
    outcomes.add_argument("words", metavar="list | show ID | resolve ID | export", nargs="*")
    _add_admin(outcomes)
    outcomes.add_argument(
        "--token", metavar="TOKEN", help="default: $PAYSLUICE_ADMIN_TOKEN, which no one sees in ps"
    )
    outcomes.add_argument("--settled", action="store_true", help="list: spoken of lately")
    outcomes.add_argument("--reference", metavar="R", help="list: with this merchant's reference")
    outcomes.add_argument(
        "--as", dest="said", choices=("succeeded", "declined", "not_processed"), help="resolve"
    )
    outcomes.add_argument("--note", metavar="TEXT", help="resolve: how do you know?")
    outcomes.add_argument("--csv", action="store_true", help="export: as CSV, the only format")
    outcomes.set_defaults(command=_outcomes, refuse=outcomes.error)


def _add_admin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--admin",
        metavar="URL",
        default=_ADMIN,
        help=f"the admin listener: http://HOST:PORT or unix:/path; default: {_ADMIN}",
    )


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65_535:  # noqa: PLR2004
        msg = "a port is a whole number from 0 to 65535"
        raise argparse.ArgumentTypeError(msg)
    return port
