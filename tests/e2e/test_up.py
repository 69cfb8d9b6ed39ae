"""`order-engine up`: stops cleanly, starts again, and says what keeps it from starting."""

import shutil
import signal
import subprocess

from tests.e2e.stack import COMMAND, Stack, environment, free_port, new_data_dir, wait_until


def test_stopping_leaves_no_process_and_keeps_the_data() -> None:
    data_dir = new_data_dir()
    with Stack(data_dir=data_dir) as first:
        id = first.place()
        first.wait_for(id, "CONFIRMED")
        processes = first.processes()

        seconds = first.stop(signal.SIGINT)

        assert seconds < 10
        assert first.process.returncode == 0
        assert [p for p in processes if p.is_running()] == []
        assert "Stopped. The data is kept." in first.said()
    with Stack(data_dir=data_dir) as second:
        assert second.order(id)["status"] == "CONFIRMED"
    shutil.rmtree(data_dir)


def test_a_killed_stack_leaves_nothing_that_keeps_the_next_from_starting() -> None:
    data_dir = new_data_dir()
    with Stack(data_dir=data_dir) as first:
        id = first.place()
        processes = first.processes()
        first.process.kill()
        first.process.wait()
        wait_until(lambda: not [p for p in processes if p.is_running()])
    with Stack(data_dir=data_dir) as second:
        assert second.wait_for(id, "CONFIRMED", "FAILED")["status"] == "CONFIRMED"
    shutil.rmtree(data_dir)


def test_a_second_stack_on_the_same_data_is_told_whose_it_is(stack: Stack) -> None:
    done = up("--data-dir", str(stack.data_dir), "--port", str(free_port()))

    assert done.returncode == 1
    assert f"in use by process {stack.process.pid}" in done.stderr


def test_a_busy_port_is_a_clear_message(stack: Stack) -> None:
    data_dir = new_data_dir()

    done = up("--data-dir", str(data_dir), "--port", str(stack.port))

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{stack.port}" in done.stderr
    assert "--port" in done.stderr
    shutil.rmtree(data_dir)


def test_a_wrong_setting_is_refused_by_name() -> None:
    done = up(ORDER_ENGINE_SLOT_MS="never")

    assert done.returncode == 2
    assert "ORDER_ENGINE_SLOT_MS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_that_keeps_dying_stops_the_stack_with_its_last_words(database_url: str) -> None:
    data_dir = new_data_dir()

    done = up(
        *("--data-dir", str(data_dir), "--port", str(free_port())),
        DATABASE_URL=database_url,
        REDIS_URL="redis://127.0.0.1:not-a-port/0",
    )

    assert done.returncode == 1
    assert "keeps dying" in done.stderr
    assert "It last said:" in done.stderr
    shutil.rmtree(data_dir)


def up(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "up", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        env=environment(**settings),
    )
