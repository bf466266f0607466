"""Lays out the root of the image: what a sidecar needs to run, and nothing beside it.

    python3 scripts/image_root.py VENV TARGET

Copied are the interpreter and its library, the virtual environment, the shared libraries that any
of them is linked with, the authorities that TLS trusts, and the notes that scanners read of the
Debian packages all that belongs to. No shell, no package manager, no pip, no compiler.
"""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

# Of the standard library: what brings pip back, what draws windows, what tests or builds Python.
LEFT_OUT = ("__pycache__", "config-*", "dist-packages", "ensurepip", "idlelib", "lib2to3")
LEFT_OUT += ("pydoc_data", "site-packages", "test", "tkinter", "turtle*", "_tkinter*", "*_test*")
# Of the packages: what compilers and people at a prompt read.
UNREAD = ("*.c", "*.h", "*.pxd", "*.pyi", "*.pyx", "[Aa]ctivate*", "__pycache__")
# Loaded by name while the process runs, so that no list of what is linked has it.
BY_NAME = ("libgcc_s.so.1",)
FILES = ("/etc/ld.so.cache", "/etc/os-release", "/etc/ssl/certs/ca-certificates.crt")
# glibc asks these two; without them no name of the network or the cluster is found in order.
NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"
USERS = "root:x:0:0:root:/:/none\npaysluice:x:65532:65532:paysluice:/:/none\n"
GROUPS = "root:x:0:\npaysluice:x:65532:\n"


class MissingLibraryError(Exception):
    """A file is linked with a library that the base does not have."""


def libraries(binary: Path) -> Iterator[Path]:
    """Give the shared libraries that *binary* is linked with, the loader among them.

    Raises:
        MissingLibraryError: one is not there, so that it cannot be loaded.
    """
    told = subprocess.run(["ldd", str(binary)], check=False, capture_output=True, text=True)
    for line in told.stdout.splitlines():
        if "not found" in line:
            message = f"{binary}: {line.strip()}"
            raise MissingLibraryError(message)
        found = [word for word in line.split() if word.startswith("/")]
        if found and not found[0].endswith(":"):
            yield Path(found[0])


def linked(venv: Path, stdlib: Path) -> tuple[set[Path], set[Path]]:
    """Give every library that is needed, and the modules of Python that the base cannot load."""
    found, unusable = set[Path](), set[Path]()
    for binary in (interpreter(), *venv.rglob("*.so*")):
        found |= set(libraries(binary))
    for module in (stdlib / "lib-dynload").glob("*.so"):
        if not any(module.match(pattern) for pattern in LEFT_OUT):
            try:
                found |= set(libraries(module))
            except MissingLibraryError:
                unusable.add(module)
    folders = {each.parent for each in found}
    found |= {folder / name for folder in folders for name in BY_NAME if (folder / name).exists()}
    return {each for each in found if venv not in each.parents}, unusable


def interpreter() -> Path:
    return Path(sys.base_exec_prefix) / "bin" / "python3"


def copy(source: Path, target: Path) -> None:
    """Copy a file to where it really lies, and under the name that it is asked for by."""
    real = source.parent.resolve() / source.name
    place = target / real.relative_to("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        shutil.copy2(source, place, follow_symlinks=True)


def owners(files: Iterable[Path]) -> set[str]:
    """Give the packages of Debian that *files* belong to; those of none are left out."""
    if shutil.which("dpkg-query") is None:
        return set()
    names = {name for each in files for name in _names(each)}
    told = subprocess.run(
        ["dpkg-query", "--search", *sorted(names)], check=False, capture_output=True, text=True
    )
    lines = [line for line in told.stdout.splitlines() if not line.startswith("diversion")]
    return {owner.strip() for line in lines for owner in line.rpartition(": ")[0].split(",")}


def _names(file: Path) -> Iterator[str]:
    """Give the names that dpkg may know *file* by: it keeps them as they were before `/usr`."""
    for each in (file, file.parent.resolve() / file.name, file.resolve()):
        yield str(each)
        yield str(each).removeprefix("/usr")


def note(package: str, target: Path) -> None:
    """Write of *package* what scanners read: its version, and where its licence is told."""
    told = subprocess.run(
        ["dpkg-query", "--status", package], check=True, capture_output=True, text=True
    )
    name = package.partition(":")[0]
    notes = target / "var/lib/dpkg/status.d"
    notes.mkdir(parents=True, exist_ok=True)
    (notes / name).write_text(told.stdout)
    licence = Path("/usr/share/doc") / name / "copyright"
    if licence.exists():
        copy(licence, target)


def lay_out(venv: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for merged in ("/bin", "/lib", "/lib64", "/sbin"):
        if Path(merged).is_symlink():
            (target / merged[1:]).symlink_to(Path(merged).readlink())
    stdlib = Path(sysconfig.get_path("stdlib"))
    found, unusable = linked(venv, stdlib)
    left_out_of_stdlib = (*LEFT_OUT, *(each.name for each in unusable))
    for folder, left_out in ((stdlib, left_out_of_stdlib), (venv, UNREAD)):
        shutil.copytree(
            folder,
            target / folder.resolve().relative_to("/"),
            symlinks=folder == venv,
            ignore=shutil.ignore_patterns(*left_out),
            ignore_dangling_symlinks=True,
        )
    files = {*found, interpreter(), *map(Path, FILES)}
    for each in sorted(files):
        copy(each, target)
    for package in sorted(owners({*files, stdlib / "os.py", stdlib / "asyncio/__init__.py"})):
        note(package, target)
    for name, text in (("nsswitch.conf", NSSWITCH), ("passwd", USERS), ("group", GROUPS)):
        (target / "etc" / name).write_text(text)
    for folder in ("etc/paysluice", "tmp"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    (target / "tmp").chmod(0o1777)
    compiled = ("-m", "compileall", "-q", "-s", str(target), "-p", "/", "--invalidation-mode")
    command = [str(interpreter()), *compiled, "unchecked-hash", str(target)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), Path(sys.argv[2]))
