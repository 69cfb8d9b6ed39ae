"""Folders and files of the stack's own: closed, never through a link, never somebody else's."""

import os
import stat
from pathlib import Path

import pytest

from cli.stack.private import NotOurs, data_folder, open_own, own_folder, own_mode, replace_file

US = os.geteuid()
NOBODY = 65_534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir(mode=0o755)
    path.chmod(0o755)
    return path


def test_a_new_data_directory_is_made_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data_folder(tmp_path / "deep" / "data", servers_user=US)

    assert mode(path) == own_mode() == (0o711 if US == 0 else 0o700)
    assert capsys.readouterr().err == ""


def test_one_of_an_earlier_version_is_closed_and_that_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "up.lock").touch()

    data_folder(folder, servers_user=US)

    assert mode(folder) == own_mode()
    assert f"{folder} had mode 0755: now it has {own_mode():04o}" in capsys.readouterr().err


def test_a_folder_that_holds_other_things_keeps_its_mode(folder: Path) -> None:
    (folder / "thesis.tex").touch()

    data_folder(folder, servers_user=US)

    assert mode(folder) == 0o755


def test_a_folder_that_others_may_write_in_is_refused(folder: Path) -> None:
    (folder / "thesis.tex").touch()
    folder.chmod(0o777)

    with pytest.raises(NotOurs, match="Others may write"):
        data_folder(folder, servers_user=US)
    assert mode(folder) == 0o777


def test_a_shared_folder_is_refused_though_it_looks_like_ours(folder: Path) -> None:
    (folder / "up.lock").touch()
    folder.chmod(0o1777)

    with pytest.raises(NotOurs, match="Others may write"):
        data_folder(folder, servers_user=US)
    assert mode(folder) == 0o1777


def test_a_link_of_our_own_to_the_data_is_followed(folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)

    assert data_folder(link, servers_user=US) == folder


@pytest.mark.parametrize("name", ["up.lock", "postgres", "postgres.log", "redis.log", "redis.pid"])
def test_a_link_in_the_data_directory_is_refused(folder: Path, name: str) -> None:
    target = folder.with_name("target")
    target.write_text("theirs")
    (folder / name).symlink_to(target)

    with pytest.raises(NotOurs, match=f"{name} is a link"):
        data_folder(folder, servers_user=US)
    assert target.read_text() == "theirs"


def test_nothing_is_written_through_a_link(folder: Path) -> None:
    target = folder.with_name("target")
    target.write_text("theirs")
    (folder / "up.lock").symlink_to(target)
    (folder / "postgres.log").hardlink_to(target)
    (folder / "pg_hba.conf").symlink_to(target)
    (folder / "pg_hba.conf.new").symlink_to(target)
    os.mkfifo(folder / "redis.log")

    for name in ("up.lock", "postgres.log", "redis.log"):
        with pytest.raises(NotOurs, match=name):
            open_own(folder / name, "a+")
    replace_file(folder, "pg_hba.conf", "ours", owner=US)

    assert target.read_text() == "theirs"
    assert (folder / "pg_hba.conf").read_text() == "ours"
    assert not (folder / "pg_hba.conf").is_symlink()


def test_no_folder_is_given_away_through_a_link(folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)

    with pytest.raises(NotOurs, match="is a link"):
        own_folder(link, owner=US)
    assert mode(folder) == 0o755


def test_a_file_is_for_its_owner_alone(folder: Path) -> None:
    open_own(folder / "up.lock", "a+").close()

    assert mode(folder / "up.lock") == 0o600


def test_the_same_text_is_not_written_again(folder: Path) -> None:
    assert replace_file(folder, "a", "text", owner=US)
    assert not replace_file(folder, "a", "text", owner=US)
    assert replace_file(folder, "a", "other", owner=US)
    assert mode(folder / "a") == 0o600


if US == 0:

    def test_the_data_directory_of_somebody_else_is_refused(folder: Path) -> None:
        os.chown(folder, 1, 1)

        with pytest.raises(NotOurs, match="belongs to"):
            data_folder(folder, servers_user=NOBODY)
        assert folder.stat().st_uid == 1

    def test_what_an_earlier_version_gave_away_is_taken_back_and_said(
        folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / "up.lock").touch()
        os.chown(folder, NOBODY, NOBODY)

        data_folder(folder, servers_user=NOBODY)

        assert folder.stat().st_uid == 0
        assert f"{folder} was nobody's: now it is root's" in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["up.lock", "redis.log", "redis.pid"])
    def test_what_somebody_put_there_meanwhile_is_refused(folder: Path, name: str) -> None:
        (folder / "up.lock").touch()
        (folder / name).touch()
        os.chown(folder / name, NOBODY, NOBODY)
        os.chown(folder, NOBODY, NOBODY)

        with pytest.raises(NotOurs, match=f"{name} is a link, or somebody else's"):
            data_folder(folder, servers_user=NOBODY)

    def test_a_link_of_somebody_else_to_the_data_is_refused(folder: Path) -> None:
        link = folder.with_name("link")
        link.symlink_to(folder)
        os.lchown(link, 1, 1)

        for path in (link, link / "below"):
            with pytest.raises(NotOurs, match="a link of somebody else's"):
                data_folder(path, servers_user=US)
