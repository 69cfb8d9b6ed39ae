"""The embedded servers are nobody else's: no other user comes in, and old data is closed."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from cli.stack.binaries import postgres_binaries
from cli.stack.embedded import embedded_servers
from cli.stack.private import NotOurs

ROOT = os.geteuid() == 0
OTHERS = ["daemon", "nobody"]  # the latter is whom Postgres runs as where we are root
LINE = "local all all trust\n"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not tmp_path, which nobody else may come as far as.
    top = Path(tempfile.mkdtemp(prefix="order-engine-doors-"))
    top.chmod(0o755)
    yield top / "data"
    shutil.rmtree(top)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def psql(sockets: str, query: str, *, user: str | None = None) -> subprocess.CompletedProcess[str]:
    """Ask as another user of this machine, or as ourselves."""
    account = None if user is None else pwd.getpwnam(user)
    return subprocess.run(
        [postgres_binaries() / "psql", "-h", sockets, "-U", "postgres", "-XAtc", query, "postgres"],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        user=account and account.pw_uid,
        group=account and account.pw_gid,
        extra_groups=None if account is None else [],
    )


def sockets_of(database_url: str) -> str:
    sockets = make_url(database_url).query["host"]
    assert isinstance(sockets, str)
    return sockets


def test_sockets_and_data_are_closed(data_dir: Path) -> None:
    with embedded_servers(data_dir) as (database_url, redis_url):
        sockets = Path(sockets_of(database_url))

        assert mode(data_dir) == (0o711 if ROOT else 0o700)
        assert mode(data_dir / "postgres") == mode(sockets) == 0o700
        assert mode(sockets / ".s.PGSQL.5432") == 0o700
        assert mode(Path(redis_url.removeprefix("unix://"))) == 0o700
        assert mode(data_dir / "postgres.log") == mode(data_dir / "redis.log") == 0o600
        assert data_dir.stat().st_uid == os.geteuid()
        access = (data_dir / "postgres" / "pg_hba.conf").read_text().splitlines()
        assert [line for line in access if line[:1] not in "#"] == [
            "local all postgres peer map=stack"
        ]
        assert psql(str(sockets), "SELECT 1").stdout == "1\n"


def test_a_long_path_has_its_sockets_in_a_closed_folder_elsewhere(data_dir: Path) -> None:
    long = data_dir / ("d" * 90)

    with embedded_servers(long) as (database_url, redis_url):
        sockets, redis = Path(sockets_of(database_url)), Path(redis_url.removeprefix("unix://"))

        assert sockets.parent == redis.parent
        assert redis.parent.stat().st_uid == os.geteuid()
        assert mode(redis.parent) == (0o711 if ROOT else 0o700)
        assert mode(sockets) == mode(redis) == 0o700
    shutil.rmtree(redis.parent)


def test_a_link_planted_for_the_sockets_is_not_followed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = data_dir.with_name("tmp")
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    long = data_dir / ("d" * 90)
    with embedded_servers(long) as (database_url, _):
        planted = Path(sockets_of(database_url)).parent
    shutil.rmtree(planted)
    target = data_dir.with_name("target")
    target.mkdir(mode=0o755)
    planted.symlink_to(target)

    with pytest.raises(NotOurs, match="is a link"), embedded_servers(long):
        pass

    assert (list(target.iterdir()), target.stat().st_uid) == ([], os.geteuid())


def test_data_of_an_earlier_version_lives_and_is_closed(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with embedded_servers(data_dir) as (database_url, _):
        assert psql(sockets_of(database_url), "CREATE TABLE kept AS SELECT 7 AS n").stderr == ""
    # As it was left: open to all, and given away where we were root.
    (data_dir / "up.lock").touch()
    access = data_dir / "postgres" / "pg_hba.conf"
    access.write_text(LINE)
    (data_dir / "postgres" / "pg_ident.conf").write_text("")
    data_dir.chmod(0o755)
    if ROOT:
        os.chown(data_dir, *pwd.getpwnam("nobody")[2:4])
    capsys.readouterr()

    with embedded_servers(data_dir) as (database_url, _):
        kept = psql(sockets_of(database_url), "SELECT n FROM kept")

    assert kept.stdout == "7\n"
    assert "trust" not in access.read_text()
    said = capsys.readouterr().err
    us = pwd.getpwuid(os.geteuid()).pw_name
    assert f"{access} is rewritten: Postgres lets in {us} alone." in said
    assert f"{data_dir} had mode 0755" in said
    assert mode(data_dir) == (0o711 if ROOT else 0o700)
    assert data_dir.stat().st_uid == os.geteuid()


if ROOT:

    @pytest.mark.parametrize("user", OTHERS)
    def test_another_user_of_the_machine_does_not_come_in(data_dir: Path, user: str) -> None:
        with embedded_servers(data_dir) as (database_url, redis_url):
            sockets = sockets_of(database_url)
            program = "COPY (SELECT 1) TO PROGRAM 'id'"

            asked = psql(sockets, program, user=user)
            path = redis_url.removeprefix("unix://")
            connect = f"import socket; socket.socket(socket.AF_UNIX).connect({path!r})"
            redis = subprocess.run(
                ["/usr/bin/env", "python3", "-c", connect],
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                user=user,
                env={"PATH": "/usr/bin:/bin:/usr/local/bin"},
            )

            assert asked.returncode == 2
            refusal = "Peer authentication failed" if user == "nobody" else "Permission denied"
            assert refusal in asked.stderr
            assert "Permission denied" in redis.stderr

    def test_a_folder_above_that_had_to_be_opened_is_said(
        data_dir: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data_dir.parent.chmod(0o700)

        with embedded_servers(data_dir):
            pass

        assert mode(data_dir.parent) == 0o701
        said = capsys.readouterr().err
        assert f"{data_dir.parent} may be passed by all now: Postgres runs as nobody." in said
