"""The whole daemon under load: CPU, memory and truth, on simulated carriers over real SIP and RTP.

python -m bench.whole_daemon [--rate 200] [--seconds 30 | --calls 6000] [--json]

Every callee answers after 0 to 200 ms, hears a prompt of 2 s and is hung up on: the same call that
was measured with Asterisk 22 and FreeSWITCH 1.10 on the reference machine (`PEERS`). CPU is utime
and stime of the daemon's processes from /proc/PID/stat, from the start of the campaign to the end
of its last call, all state written. Doubled and lost calls come from the carriers' own ledgers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import wave
from pathlib import Path

import msgspec

from dialerd.cli.demo_run import DemoRun
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import Stop
from dialerd.core.step_spec import StepSpec
from dialerd.sim.io_world import Look, World, make_scene
from dialerd.sim.scene import WHO, Scene
from dialerd.sim.summary import Summary
from tests.modem_bank import everybody

PROMPT_S = 2.0
TRUTH = ("doubled", "lost", "mismatched")
SYSTEM_CALLS = {
    "sendmmsg": "sendmmsg per call (SIP out)",
    "recvmmsg": "recvmmsg per call (SIP in)",
    "fdatasync": "fdatasync per call (commits)",
    "sendto": "sendto per RTP packet",
}
PEERS = {
    "CPU ms per call, 2 s prompt": {"Asterisk 22.10": 5.5, "FreeSWITCH 1.10": 7.4},
    "KiB per call in progress": {"Asterisk 22.10": 180.0, "FreeSWITCH 1.10": 475.0},
}
PEOPLE = everybody(
    "waits",
    "setup_s_min = 0.0\nsetup_s_max = 0.1\nring_s_median = 0.05\nring_s_sigma = 0.3\n",
)


class Quiet:
    """A screen that shows nothing."""

    def step(self, text: str) -> None:
        """A part of the set-up is done."""

    def show(self, look: Look, phase: str, elapsed_s: float, cps: float) -> None:
        """The world now."""


class BenchWorld(World):
    """The demo's world with a campaign of one short prompt; the daemon may run under a tracer."""

    def __init__(self, the_scene: Scene, tracer: tuple[str, ...] = ()) -> None:
        """`tracer` is a command that takes the daemon's command behind it."""
        super().__init__(the_scene)
        self._tracer = tracer

    def daemon_command(self) -> list[str]:
        """The daemon behind its tracer."""
        return [*self._tracer, *super().daemon_command()]

    def stop_daemon(self, grace_s: float = 60.0) -> int:
        """By command: a tracer keeps signals to itself."""
        if self.daemon is None or self.daemon.exit_code is not None:
            return 0
        with self.client() as client:
            client.call(Stop(who=WHO))
        return self.daemon.wait(grace_s)

    def campaign(self) -> CampaignSpec:
        """One prompt, no keys."""
        step = StepSpec(id="prompt", prompt="two")
        return msgspec.structs.replace(super().campaign(), steps=(step,))


def write_prompt(path: Path, seconds: float = PROMPT_S) -> None:
    """A quiet sawtooth at 8 kHz."""
    samples = [(i % 80 - 40) * 50 for i in range(round(8000 * seconds))]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(s.to_bytes(2, "little", signed=True) for s in samples))


def run(rate: float, seconds: float, tracer: tuple[str, ...] = ()) -> Summary:
    """One run; the demo's summary."""
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as name:
        folder = Path(name)
        people = folder / "people.toml"
        people.write_text(PEOPLE)
        # A messy list: about four in five rows are numbers that can be dialed.
        leads = round(rate * seconds * 1.5) + 50
        write_prompt(folder / "two.wav")
        made = make_scene(folder, leads=leads, rate=rate, people=people, prompts=folder)
        with BenchWorld(made, tracer) as world:
            demo = DemoRun(world, Quiet(), seconds)
            demo.set_up()
            demo.dial()
            demo.drain()
            return demo.finish(folder / "report.csv")


def system_calls(rate: float = 10.0, seconds: float = 10.0) -> dict[str, float]:
    """How often the daemon asks the kernel, per call; under strace, with calls well apart.

    Only what the number of calls decides: datagrams and flushes. Polling of sockets, sleeping and
    the pages of a commit depend on the moment.
    """
    with tempfile.NamedTemporaryFile(mode="r") as counts:
        traced = ",".join(SYSTEM_CALLS)
        strace = ("strace", "-f", "--seccomp-bpf", "-c", "-o", counts.name, "-e", f"trace={traced}")
        summary = run(rate, seconds, strace)
        lines = [line.split() for line in counts.read().splitlines()]
    if summary.lost or summary.doubled or not summary.placed:
        raise RuntimeError(f"{summary.placed} calls, {summary.lost} lost, {summary.doubled} twice")
    found = {line[-1]: int(line[3]) for line in lines if line and line[-1] in SYSTEM_CALLS}
    units = {"sendto": summary.rtp_received}
    return {
        what: found.get(name, 0) / units.get(name, summary.placed)
        for name, what in SYSTEM_CALLS.items()
    }


def figures(summary: Summary) -> dict[str, float]:
    """What the run proves, and what it cost."""
    return {
        "calls placed": summary.placed,
        "calls a second": summary.cps,
        "seconds to the end of the last call": summary.seconds + summary.drain_s,
        "calls per CPU-second": 1000 / summary.cpu_ms_per_call,
        "CPU ms per call, 2 s prompt": summary.cpu_ms_per_call,
        "KiB per call in progress": summary.rss_kib_per_call,
        "calls in progress": summary.in_flight_max,
        "RTP packets per answered call": summary.rtp_received / max(1, summary.answered),
        "not answered": summary.placed - summary.answered,
        "doubled": summary.doubled,
        "lost": summary.lost,
        "mismatched": summary.mismatched,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the figures beside the peers'.

    1 when a call was lost, doubled or not placed in time.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--calls", type=int, default=0, help="instead of --seconds: so many")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    seconds = asked.calls / asked.rate if asked.calls else asked.seconds
    found = figures(run(asked.rate, seconds))
    if asked.json:
        print(json.dumps(found, indent=1))
    else:
        for name, value in found.items():
            peers = ", ".join(f"{peer}: {cost:g}" for peer, cost in PEERS.get(name, {}).items())
            print(f"{name:32} {value:10,.2f}  {peers}")
    placed_all = found["calls placed"] >= 0.95 * asked.rate * seconds
    return 0 if placed_all and not any(found[name] for name in TRUTH) else 1


if __name__ == "__main__":
    raise SystemExit(main())
