"""A machine that starts programs with few open files, as Debian does."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialerd import open_files
from dialerd.sim.io_world import World, make_scene

SHOW = "from dialerd import open_files; print(open_files.raise_limit(), open_files.raise_limit())"


@pytest.fixture
def few_files() -> Iterator[int]:
    """A low soft limit; the hard one, up to which children may go."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def allowed(pid: int) -> list[str]:
    """The soft and hard limit of a process."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line for line in lines if line.startswith("Max open files")).split()[3:5]


@pytest.mark.parametrize(("limits", "shown"), [("64:600", 600), ("600:600", 600)])
def test_the_limit_is_raised_as_far_as_it_goes(limits: str, shown: int) -> None:
    command = ["prlimit", f"--nofile={limits}", sys.executable, "-c", SHOW]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(shown)] * 2


def test_calls_leave_room_for_other_files() -> None:
    assert open_files.calls_of(20_000) == 20_000 - open_files.ELSE
    assert open_files.calls_of(10) == 1


def test_daemon_and_carriers_take_what_the_system_allows(tmp_path: Path, few_files: int) -> None:
    with World(make_scene(tmp_path, leads=1, rate=1)) as world:
        world.start_carriers()
        world.start_daemon()
        assert world.daemon is not None
        wanted = str(min(few_files, open_files.FILES_MAX))
        for child in (world.daemon, *world.carriers.values()):
            assert allowed(child.pid)[0] == wanted, child.name


class Poor(World):
    """A world whose daemon may open 600 files, however it asks."""

    def daemon_command(self) -> list[str]:
        return ["prlimit", "--nofile=600:600", *super().daemon_command()]


def test_a_daemon_that_gets_too_few_says_what_that_means(tmp_path: Path) -> None:
    with Poor(make_scene(tmp_path, leads=1, rate=1)) as world:
        world.start_daemon()
        said = world.scene.log_file("daemon").read_text()
    assert "only 600 files may be open (ulimit -Hn): at most 44 calls at once" in said
