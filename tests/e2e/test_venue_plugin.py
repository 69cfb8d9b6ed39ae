"""The venue of docs/venues.md, installed from outside the tree: checked, and traded at."""

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.venue_check.command import PROMISES
from tests.e2e.stack import COMMAND, Stack, environment
from tests.plug_in import plug_in

WALK_THROUGH = Path("docs/venues.md")

# What is replaced in the walk-through's venue, and the promises that this breaks.
BROKEN: dict[str, tuple[dict[str, str], list[str]]] = {
    "greedy": (
        {
            "out if out >= swap.min_amount_out else None": "out",
            "if not 0 < out <= 100_000 * 10**6:": "if out == 0:",
        },
        [
            "The greatest amount there is gets a worse price or is refused.",
            "A floor above the market is never filled.",
        ],
    ),
    "forgetful": (
        {
            "INSERT OR IGNORE INTO": "INSERT INTO",
            "now() WHERE now() <= ?": "min(now(), ?)",
        },
        [
            "Sent ten times at once, and again when it has landed, a transaction has one outcome.",
            "Sent only after its last valid slot, a transaction is never filled.",
            "When all validity is over, every outcome is still what it was, and sending changes "
            "none.",
        ],
    ),
}
Check = subprocess.CompletedProcess[str]


def walk_through(language: str) -> str:
    """The one block of this language in the document."""
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", WALK_THROUGH.read_text(), re.S | re.M)
    return block


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installed the walk-through's package, and others that are broken."""
    package, site = tmp_path_factory.mktemp("the-desk"), tmp_path_factory.mktemp("site")
    (package / "pyproject.toml").write_text(walk_through("toml"))
    (package / "the_desk.py").write_text(walk_through("python"))
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *offline, "--target", site, package],
        check=True,
    )
    for name, (changes, _) in BROKEN.items():
        plug_in(site, name, source=changed(name, changes), factory="Desk")
    return site


def changed(name: str, changes: dict[str, str]) -> str:
    """The walk-through's module under another id, with these changes."""
    source = walk_through("python")
    for old, new in {**changes, 'name, simulated = "desk"': f'name, simulated = "{name}"'}.items():
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


@pytest.fixture(scope="module")
def checks(site: Path) -> dict[str, Future[Check]]:
    """What `order-engine venue-check` says of each venue, all asked at the same time."""

    def check(name: str) -> Check:
        return subprocess.run(
            [COMMAND, "venue-check", name],
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
            env=environment(PYTHONPATH=str(site)),
        )

    names = ("desk", "raydium", "meteora", *BROKEN, "nowhere")
    with ThreadPoolExecutor(3) as pool:
        return {name: pool.submit(check, name) for name in names}


@pytest.fixture
def checked(checks: dict[str, Future[Check]]) -> Callable[[str], Check]:
    return lambda name: checks[name].result()


def broken_promises(done: Check) -> list[str]:
    return re.findall(r"│ (.+?) +│ failed │", done.stdout)


def test_the_walk_through_fits_on_a_page() -> None:
    assert len(WALK_THROUGH.read_text().splitlines()) < 80


@pytest.mark.parametrize("name", ["desk", "raydium", "meteora"])
def test_a_venue_that_keeps_its_promises_passes(checked: Callable[[str], Check], name: str) -> None:
    done = checked(name)

    assert (done.returncode, broken_promises(done)) == (0, []), done.stdout + done.stderr
    assert done.stdout.count("│ ok ") == len(PROMISES)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_venue_is_told_which_promise_it_breaks(
    checked: Callable[[str], Check], name: str
) -> None:
    done = checked(name)

    assert (done.returncode, broken_promises(done)) == (1, BROKEN[name][1]), done.stdout
    assert "Traceback" not in done.stderr


def test_an_unknown_venue_is_told_which_there_are(checked: Callable[[str], Check]) -> None:
    done = checked("nowhere")

    assert (done.returncode, done.stdout) == (2, "")
    there_are = ", ".join(sorted(["desk", "raydium", "meteora", *BROKEN]))
    assert f"No venue 'nowhere' is installed; there are: {there_are}." in done.stderr


def test_an_order_is_executed_at_the_venue_from_outside(site: Path, tmp_path: Path) -> None:
    with Stack(
        PYTHONPATH=str(site),
        ORDER_ENGINE_DATA_DIR=str(tmp_path),
        ORDER_ENGINE_VENUES='["desk", "raydium"]',
    ) as stack:
        id = stack.place(amount="2", venues=["desk"])
        stack.wait_for(id, "CONFIRMED", "FAILED")

        order = stack.ask(
            "query O($id: ID!) { order(id: $id) { status amountOut executedPrice attempts "
            "venue { id name simulated } } }",
            id=id,
        )["order"]

    assert order == {
        "status": "CONFIRMED",
        "amountOut": "302",
        "executedPrice": "151",
        "attempts": 1,
        "venue": {"id": "desk", "name": "The Desk", "simulated": True},
    }
