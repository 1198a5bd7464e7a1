"""The bank of modems of a simulated world: its process, and the port of it that loses signal."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from dialerd.sim import scene
from dialerd.sim.bank_figures import Away
from dialerd.sim.io_procs import Child, ChildError
from dialerd.sim.scene import BANK, Scene

TELL_S = 10.0  # for an answer of the bank


class SimulatedBank:
    """See the module's text."""

    def __init__(self, the_scene: Scene, environment: Mapping[str, str]) -> None:
        """Start it; `Child.output` says when it is ready. ChildError when it cannot be started."""
        self._scene = the_scene
        command = [
            sys.executable,
            "-m",
            "dialerd.sim.io_modem_bank",
            *scene.bank_arguments(the_scene),
        ]
        log = the_scene.log_file(BANK)
        self.child = Child("the bank of modems", command, log, environment)
        self.away: Away | None = None

    def lose_signal(self) -> bool:
        """Let an idle port hear its network no more; False when none is idle now."""
        for slot in self._tell("status")["slots"]:
            if slot["legs"] == 0 and slot["registration"] == 1:
                self._tell(f"fault {slot['name']} no-signal")
                self.away = Away(slot["name"], _now_ms())
                return True
        return False

    def find_signal(self) -> None:
        """Let it hear its network again; nothing when none has lost it."""
        if self.away is not None and not self.away.to_ms:
            self.away = msgspec.structs.replace(self.away, to_ms=_now_ms())
            self._tell(f"fault {self.away.slot} none")

    def _tell(self, line: str) -> Any:
        """What it answers to a line; ChildError."""
        try:
            answer = tell(self._scene.bank_socket, line)
        except (OSError, ValueError) as error:
            self.child.check()
            raise ChildError(f"{self.child.name} does not answer: {error}") from error
        if "error" in answer:
            raise ChildError(f"{self.child.name} refuses {line!r}: {answer['error']}")
        return answer


def tell(control: Path, line: str) -> Any:
    """What a bank answers to a line on its control socket; OSError, ValueError."""
    with socket.socket(socket.AF_UNIX) as way:
        way.settimeout(TELL_S)
        way.connect(str(control))
        way.sendall(line.encode() + b"\n")
        with way.makefile("rb") as answer:
            return msgspec.json.decode(answer.readline())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
