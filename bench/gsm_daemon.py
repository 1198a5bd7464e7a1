"""A cold bank of modems in the daemon: how soon every port may dial, and whose time that was.

    python -m bench.gsm_daemon [--ports 64] [--dialects huawei,m35] [--hurry 1]

The modems get their power as the daemon starts. It prints one line of JSON: when the last modem
was registered by its own account (`modems_s`: nobody can dial sooner), when the last port was ready
(`ready_s`), and the difference, which is ours (`ours_s`), all in s from the start of both; and by
make its boot and its longest registration. Modules without audio
(m35) count as ready as soon as they could dial. Then each figure with its bar, yes or no: 15 s for
the bank, of which a second may be ours. Some makes alone take longer: `makes` says which.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.gsm_ports import PEOPLE, bank, judge, tell
from dialerd.control.io_client import SyncClient, UnreachableError
from dialerd.core.control import Stop
from dialerd.core.ports_view import ListPorts
from dialerd.sim.io_procs import Child, free_ports, wait_until
from dialerd.sim.modem_dialects import DIALECTS

LOOK_S = 0.01
LONGEST_S = 90.0
READY_S_MAX, OURS_S_MAX = 15.0, 1.0
CONFIG = """
[store]
path = "data"
[control]
socket = "control.sock"
[admin]
enabled = false
[sip]
port = {sip}
[[bank]]
name = "sims"
slots = "{folder}/by-path/*-at"
audio = "{folder}/by-path/*-audio"
loopback = true
"""


def cold_start(folder: Path, ports: int, dialects: str, hurry: float) -> dict[str, Any]:
    """Both from nothing. TimeoutError, or ChildError when one of them ends."""
    people = PEOPLE.format(ring=0.3, answers=1, no_answer=0, leaves=0, stays=1)
    options = ("--dialects", dialects, "--cold", "--hurry", str(hurry))
    config = folder / "dialerd.toml"
    config.write_text(CONFIG.format(folder=folder / "bank", sip=free_ports(1)[0]))
    config.chmod(0o600)
    with bank(folder / "bank", ports, *options, people=people) as modems:
        begun = time.monotonic()
        command = [sys.executable, "-m", "dialerd", "run", "-c", str(config)]
        daemon = Child("daemon", command, folder / "daemon.log")
        try:
            wait_until(lambda: _answers(folder), [modems, daemon], 30, "the daemon")
            with SyncClient(folder / "control.sock") as client:
                found = _watched(client, folder / "bank", ports, begun)
                client.call(Stop(who="bench"))
            daemon.wait(30)
        finally:
            daemon.stop()
    makes = {name: DIALECTS[name] for name in dialects.split(",")}
    return found | {
        "ports": ports,
        "makes": {
            name: {"boot_s": kind.boot_s / hurry, "registers_s_max": kind.register_s[1] / hurry}
            for name, kind in makes.items()
        },
    }


def _answers(folder: Path) -> bool:
    try:
        SyncClient(folder / "control.sock").close()
    except UnreachableError:
        return False
    return True


def _watched(client: SyncClient, folder: Path, ports: int, begun: float) -> dict[str, float]:
    """When all modems were registered, and when all ports were ready."""
    modems_s, ready_s = 0.0, 0.0
    while not (modems_s and ready_s):
        passed = time.monotonic() - begun
        if passed > LONGEST_S:
            raise TimeoutError(f"not all of {ports} ports are ready after {LONGEST_S:g} s")
        slots = tell(folder, "status")["slots"]
        if not modems_s and all(slot["registration"] == 1 for slot in slots):
            modems_s = passed
        shown = client.call(ListPorts()).items
        if sum(port.state == "ready" for port in shown) == ports:
            ready_s = passed
        time.sleep(LOOK_S)  # how finely both are looked at
    return {"modems_s": modems_s, "ready_s": ready_s, "ours_s": ready_s - modems_s}


def main(arguments: list[str] | None = None) -> int:
    """Print it beside its bars; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ports", type=int, default=64)
    parser.add_argument("--dialects", default="huawei,m35")
    parser.add_argument("--hurry", type=float, default=1.0, help="divides the modems' own delays")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as name:
        found = cold_start(Path(name), asked.ports, asked.dialects, asked.hurry)
    return judge(found, {"ready_s": READY_S_MAX, "ours_s": OURS_S_MAX})


if __name__ == "__main__":
    raise SystemExit(main())
