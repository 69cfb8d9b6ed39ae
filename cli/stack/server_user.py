"""Whom Postgres runs as: us, or `nobody` where we are root, which it refuses to be."""

import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from cli.stack.private import say

_UNPRIVILEGED = "nobody"


def server_user() -> pwd.struct_passwd:
    """Return the account. Raises KeyError where ours has no name."""
    return pwd.getpwnam(_UNPRIVILEGED) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def server_uid() -> int:
    """Return the account's number, which it has though it may have no name."""
    return pwd.getpwnam(_UNPRIVILEGED).pw_uid if os.geteuid() == 0 else os.geteuid()


def let_pass(paths: Iterable[Path], binaries: Path) -> None:
    """Where we are root, let the server's user come as far as these paths, and run the binaries.

    A folder above that had to be opened for that, to be passed and not read, is said.
    """
    for path in (*paths, binaries):
        for parent in path.resolve().parents:
            if _allow_others(parent, stat.S_IXOTH):
                say(f"{parent} may be passed by all now: Postgres runs as {_UNPRIVILEGED}.")
    if not binaries.stat().st_mode & stat.S_IXOTH:
        # Installed under a strict umask: the server's own files must be open to its user.
        package = binaries.parent.parent
        libraries = package.with_name(f"{package.name}.libs")
        for root in (binaries.parent, libraries):
            for path in (root, *root.rglob("*")):
                _allow_others(path, stat.S_IROTH | (stat.S_IXOTH if _runs(path) else 0))
        say(f"{package} may be read by all now: Postgres runs as {_UNPRIVILEGED}.")


def _allow_others(path: Path, permission: int) -> bool:
    """Give others a permission; say whether they did not have it."""
    if path.is_symlink():
        return False  # what it leads to is of the same tree
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mode = os.fstat(file).st_mode
        if mode & permission == permission:
            return False
        os.fchmod(file, stat.S_IMODE(mode) | permission)
        return True
    finally:
        os.close(file)


def _runs(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)
