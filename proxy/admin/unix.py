"""A Unix socket that nobody reaches before its mode is set."""

import errno
import os
import socket
import stat
from pathlib import Path


def bind_unix(path: Path, mode: int) -> socket.socket:
    """Bind a socket at *path*; one that a killed process left there is replaced.

    Raises:
        OSError: somebody listens there, or something is there that is no socket.
    """
    _clear(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777)
    try:
        bound.bind(str(path))
        path.chmod(mode)
    except BaseException:
        bound.close()
        raise
    finally:
        os.umask(before)
    return bound


def _clear(path: Path) -> None:
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), str(path))
