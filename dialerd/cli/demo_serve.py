"""`dialerd demo --serve`: the demo's world without its campaign, for whoever works over HTTP."""

from __future__ import annotations

import shlex
import socket
import threading

from dialerd.cli.demo_run import Screen
from dialerd.sim.io_procs import wait_until
from dialerd.sim.io_world import START_S, World

LOOK_S = 0.5  # between two looks whether a process has died


class ServeRun:
    """Carriers, the daemon and the file of a list, until it is stopped."""

    def __init__(self, world: World, screen: Screen) -> None:
        """Nothing runs yet."""
        self._world = world
        self._screen = screen
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End; a signal may ask for it at any time."""
        self._stopped.set()

    def run(self) -> None:
        """Start all, tell how to reach it, wait, end the daemon; ChildError when one dies."""
        world = self._world
        world.write_list()
        world.start_carriers()
        world.start_daemon()
        wait_until(self._answers, [], START_S, "the HTTP API")
        file = world.scene.folder / "env.sh"
        file.write_text(self._variables())
        self._screen.step(f"carriers and daemon run; in another terminal: . {file}")
        while not self._stopped.wait(LOOK_S):
            if world.daemon is not None and world.daemon.exit_code == 0:  # `dialerd stop`
                self._screen.step("the daemon was stopped")
                return
            world.check()
        self._screen.step("ending: live calls may take a while")
        world.stop_daemon()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._world.scene.ports.admin), 1.0).close()
        except OSError:
            return False
        return True

    def _variables(self) -> str:
        """What a shell needs: where the API is, the configuration, the file of people."""
        scene = self._world.scene
        found = {
            "API": f"http://127.0.0.1:{scene.ports.admin}",
            "DIALERD_CONFIG": str(scene.config_file),
            "PEOPLE": str(scene.list_file),
        }
        return "".join(f"export {name}={shlex.quote(text)}\n" for name, text in found.items())
