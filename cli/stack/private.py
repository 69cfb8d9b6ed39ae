"""Folders and files of the stack's own: never through a link, never another user's, closed to all.

Others may own a folder above ours, or may have owned ours: earlier versions gave the data directory
away where they ran as root. So everything is opened first, looked at, and changed by what is open.
"""

import os
import pwd
import stat
from collections.abc import Collection
from pathlib import Path
from typing import IO

import typer

_PASSABLE = 0o711  # for Postgres, which is another user where we are root
_CLOSED = 0o700
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OURS = ("up.lock", "postgres", "postgres.log", "redis.log", "redis.pid", "redis.sock")


class NotOurs(Exception):
    """A file or folder may be somebody else's; the message says which, and what to do."""


def say(text: str) -> None:
    """Tell whoever started us of a change to what was there before."""
    typer.echo(text, err=True)


def data_folder(given: Path, *, servers_user: int) -> Path:
    """Return the data directory without links, made and closed. Raises NotOurs or OSError.

    What an earlier version left open or gave to `servers_user` is taken back, and said.
    """
    path = _without_links_of_others(given)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = _make(path)
    folder = _open_folder(path)
    try:
        state, us, names = os.fstat(folder), os.geteuid(), set(os.listdir(folder))
        is_stack = (not names or "up.lock" in names) and not state.st_mode & stat.S_ISVTX
        if state.st_uid not in ({us, servers_user} if is_stack else {us}):
            raise NotOurs(f"{path} belongs to {_name(state.st_uid)}: choose another --data-dir.")
        if not is_stack and state.st_mode & _OTHERS_WRITE:
            raise NotOurs(f"Others may write in {path}: choose another --data-dir.")
        if is_stack:
            for change in _settle(folder, us, own_mode()):
                if not made:
                    say(f"{path} {change}")
        _require_ours(folder, path, names, servers_user)
    finally:
        os.close(folder)
    return path


def own_folder(path: Path, *, owner: int, mode: int = _CLOSED) -> bool:
    """Make a folder, or close one that is `owner`'s or ours; say whether it was made.

    Raises NotOurs.
    """
    made = _make(path)
    folder = _open_folder(path)
    try:
        state = os.fstat(folder)
        if state.st_uid not in (owner, os.geteuid()):
            raise NotOurs(f"{path} belongs to {_name(state.st_uid)}: remove it, or be that user.")
        for change in _settle(folder, owner, mode):
            if not made:
                say(f"{path} {change}")
    finally:
        os.close(folder)
    return made


def own_mode() -> int:
    """Return the mode of folders that hold what only we and our servers may see."""
    return _PASSABLE if os.geteuid() == 0 else _CLOSED


def open_own(path: Path, mode: str) -> IO[str]:
    """Open a file of ours to append to, made if need be. Raises NotOurs."""
    flags = (os.O_RDWR if "+" in mode else os.O_WRONLY) | os.O_APPEND | os.O_CREAT
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotOurs(f"cannot write to {path} ({error.strerror}): remove it.") from None
    state = os.fstat(file)
    if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid() or state.st_nlink != 1:
        os.close(file)
        raise NotOurs(f"{path} is not a file of {_name(os.geteuid())}'s alone: remove it.")
    os.fchmod(file, 0o600)
    return os.fdopen(file, mode)


def replace_file(folder: Path, name: str, text: str, *, owner: int) -> bool:
    """Let a file in a folder hold this text, for its owner alone; say whether it did not before."""
    directory = _open_folder(folder)
    try:
        if _read(directory, name) == text:
            return False
        new = f"{name}.new"
        if new in os.listdir(directory):
            os.unlink(new, dir_fd=directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(new, flags, 0o600, dir_fd=directory), "w") as file:
            file.write(text)
            if owner != os.geteuid():
                os.fchown(file.fileno(), owner, -1)
        os.rename(new, name, src_dir_fd=directory, dst_dir_fd=directory)
        return True
    finally:
        os.close(directory)


def _without_links_of_others(given: Path) -> Path:
    absolute = Path(os.path.abspath(given))
    for part in (*reversed(absolute.parents), absolute):
        if part.is_symlink() and part.lstat().st_uid not in (0, os.geteuid()):
            raise NotOurs(f"{part} is a link of somebody else's: choose another --data-dir.")
    return absolute.resolve()


def _make(path: Path) -> bool:
    try:
        path.mkdir(mode=_CLOSED)
    except FileExistsError:
        return False
    return True


def _open_folder(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError:
        raise NotOurs(f"{path} is a link, or no folder: remove it.") from None


def _settle(folder: int, owner: int, mode: int) -> list[str]:
    """Give an open folder its owner and mode; return what changed."""
    state, changes = os.fstat(folder), []
    if state.st_uid != owner:
        os.fchown(folder, owner, -1)
        changes.append(f"was {_name(state.st_uid)}'s: now it is {_name(owner)}'s")
    before = stat.S_IMODE(state.st_mode)
    if before != mode:
        os.fchmod(folder, mode)
        changes.append(f"had mode {before:04o}: now it has {mode:04o}")
    return changes


def _require_ours(folder: int, path: Path, names: Collection[str], servers_user: int) -> None:
    """Refuse what somebody may have put where we are going to read and write."""
    for name in sorted(set(_OURS).intersection(names)):
        state = os.lstat(name, dir_fd=folder)
        owners = {os.geteuid(), servers_user} if name == "postgres" else {os.geteuid()}
        if stat.S_ISLNK(state.st_mode) or state.st_uid not in owners:
            raise NotOurs(f"{path / name} is a link, or somebody else's: remove it.")


def _read(directory: int, name: str) -> str | None:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError:
        return None
    with os.fdopen(file, errors="replace") as opened:
        return opened.read()


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
