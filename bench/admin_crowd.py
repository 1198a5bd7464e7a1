"""What loads the admin process at once: dashboards, agents' sockets, a report, an import."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import Any, Self

import msgspec

from bench.admin_world import PAST, LoadWorld
from dialerd.sim.io_procs import wait_until
from dialerd.sim.io_world import environment

UNDER_WAY = frozenset({"waiting", "running"})
STOP_S = 120.0  # also for an import to begin, on a machine that is busy with others


class Sizes(msgspec.Struct, frozen=True):
    """How much of everything."""

    pairs: int = 5
    seconds: float = 20.0
    rate: float = 20.0
    dashboards: int = 200
    agents: int = 500
    acts_per_s: float = 33.0
    attempts: int = 1_000_000
    rows: int = 1_000_000
    reads_s: float = 5.0
    prompt_s: float = 10.0
    restarts: int = 3
    nice: int = 19  # of the dashboards, once they are connected
    control: int = 1  # 0: without the periods of an unrelated load

    @property
    def dialing_s(self) -> float:
        """For how long calls are placed, at most."""
        return 30.0 + self.pairs * (3 * self.seconds + 30.0) + 60.0 * self.restarts


class Clients:
    """What loads the admin process, each a process of its own."""

    def __init__(self, world: LoadWorld, sizes: Sizes, turn: int | str) -> None:
        """Connect all; report and import have begun. RuntimeError when one cannot."""
        self._world = world
        port = str(world.scene.ports.admin)
        self._watched: list[Any] = []
        self._job = 0
        try:
            self._begin(port, sizes, turn)
        except BaseException:  # what was begun must end, at Ctrl-C too
            self.__exit__()
            raise

    def _begin(self, port: str, sizes: Sizes, turn: int | str) -> None:
        world, folder = self._world, self._world.scene.folder
        me = (sys.executable, "-m", "bench.admin_clients")
        report = f"/v1/campaigns/{PAST.replace(' ', '%20')}/report"
        boards = (str(sizes.dashboards), str(sizes.nice), report)
        self._watched = [
            self._start("dashboards", *me, "dashboards", port, *boards),
            self._start("agents", *me, "agents", port, str(sizes.agents), str(sizes.acts_per_s)),
        ]
        for process in self._watched:
            process.stdin.write(f"{world.token}\n")
            process.stdin.flush()
        for process in self._watched:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("the clients of the admin process could not connect")
        told = f"http://127.0.0.1:{port}/v1/imports?list=turn{turn}"
        token = f"Authorization: Bearer {world.token}"
        sent = subprocess.run(
            ["curl", "-sSf", "-H", token, "-H", "Content-Type: text/csv",
             "--data-binary", f"@{folder / 'rows.csv'}", told],
            capture_output=True, check=True,
        )  # fmt: skip
        self._job = json.loads(sent.stdout)["id"]
        wait_until(self._imports, [], STOP_S, "the import")

    def _imports(self) -> bool:
        """Whether its child has begun, or is over already."""
        job = self.job()
        return bool(job["done"]) or job["state"] not in UNDER_WAY

    def job(self) -> dict[str, Any]:
        """The import."""
        found: dict[str, Any] = self._world.ask("GET", f"/v1/jobs/{self._job}")
        return found

    def _start(self, name: str, *command: str) -> Any:
        """By lines of its input and output."""
        with (self._world.scene.folder / "logs" / f"{name}.log").open("ab") as errors:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment(),
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        for process in self._watched:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def added(self) -> tuple[int, int]:
        """How many people the import says that it has added, and how many its list has."""
        name = self.job()["what"]
        found = self._world.ask("GET", f"/v1/lists/{name}")
        return int(self.job()["result"].get("added", 0)), int(found["size"])

    def stop(self) -> dict[str, Any]:
        """End all of them; what they have seen."""
        job = self.job()
        if job["state"] in UNDER_WAY:
            self._world.ask("POST", f"/v1/jobs/{self._job}/cancel")
        found: list[dict[str, Any]] = []
        for process in self._watched:
            said, _ = process.communicate(timeout=STOP_S)
            found.append(json.loads(said))
        ended = lambda: self.job()["state"] not in UNDER_WAY  # noqa: E731 - asked again and again
        wait_until(ended, [], STOP_S, "the end of the import")
        return {"job": job, "dashboards": found[0], "agents": found[1]}
