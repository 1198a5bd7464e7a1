"""A bank of simulated modems as a process: pseudo terminals, one clock, a ledger, a control socket.

    python -m dialerd.sim.io_modem_bank --dir DIR --ports 64 --dialects huawei,quectel --seed 1

The devices are `DIR/by-path/slotNN-at` and, where a modem has them, `slotNN-audio`. It prints one
line of JSON when they are there (`{"ready": true, ...}`). SIGTERM or SIGINT ends every call, writes
the ledger's last lines and exits 0. Exit codes: 1 failed, 2 usage.

    python -m dialerd.sim.io_modem_bank --dir DIR --tell 'fault slot03 unplug 20'

says a line to the one that runs there and prints its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
import wave
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from dialerd.sim import limits
from dialerd.sim.io_bank import tell
from dialerd.sim.io_modem_audio import Sounds
from dialerd.sim.io_modem_ptys import Plug
from dialerd.sim.io_procs import process
from dialerd.sim.ledger import Entry, Ledger
from dialerd.sim.modem_audio import Frames, frames
from dialerd.sim.modem_bank import Audio, Bank, Effect, Gone, Here, Say, Setup
from dialerd.sim.modem_control import control
from dialerd.sim.people import Town, check_town, load_town


class Options(msgspec.Struct, frozen=True):
    """What one bank is."""

    folder: Path
    ledger: Path
    control: Path
    setup: Setup
    speech: list[Frames] = []  # recordings that people speak with; synthetic ones without
    tell: str = ""  # say this to the one that runs, and be none
    record: Path | None = None  # a folder for what calls were heard to say


class Process:
    """Lets a `Bank` act on pseudo terminals."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        """OSError when a device, the ledger or the socket cannot be had."""
        self._options, self._loop = options, loop
        self._ledger = Ledger(options.ledger)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self.done: asyncio.Future[None] = loop.create_future()
        self.machine = Bank(
            options.setup,
            self._write,
            time.monotonic_ns(),
            time.time_ns() - time.monotonic_ns(),
        )
        # A ledger may be one of an earlier run, and each of its calls has a number of its own.
        self.machine.network.calls = options.ledger.read_bytes().count(b"\n")
        folder = options.folder / "by-path"
        folder.mkdir(parents=True, exist_ok=True)
        self._plugs = [
            Plug(folder, slot.name, audio=slot.modem.habits.audio) for slot in self.machine.slots
        ]
        self._sounds = Sounds(loop, self.machine, self._plugs, options.speech, options.record)
        self._pump()

    def close(self) -> None:
        """Let go of devices, timers and files."""
        if self._timer is not None:
            self._timer.cancel()
        self._sounds.close()
        for slot, plug in enumerate(self._plugs):
            self._unwatch(slot)
            plug.close()
        self._ledger.close()

    def shut(self) -> None:
        """End every call, then `done`."""
        self.machine.network.shut()
        self._pump()
        if not self.done.done():
            self.done.set_result(None)

    def _write(self, entry: Entry) -> None:
        try:
            self._ledger.append(entry)
        except OSError as error:  # no ledger, no proof
            if not self.done.done():
                self.done.set_exception(error)

    # ---- in

    def _watch(self, slot: int) -> None:
        device = self._plugs[slot].at
        if device is not None:
            self._loop.add_reader(device.fileno(), self._readable, slot)

    def _unwatch(self, slot: int) -> None:
        device = self._plugs[slot].at
        if device is not None:
            self._loop.remove_reader(device.fileno())

    def _readable(self, slot: int) -> None:
        device = self._plugs[slot].at
        if device is None:
            return
        data = device.read()
        if data:
            self.machine.received(slot, data, time.monotonic_ns())
            self._pump()

    def _tick(self) -> None:
        self._timer = None
        self.machine.tick(time.monotonic_ns())
        self._pump()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the control socket: a command a line, an answer a line."""
        try:
            while line := await reader.readline():
                self.machine.tick(time.monotonic_ns())
                answer = control(self.machine, line.decode("utf-8", "replace"))
                self._pump()
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # gone, or a line beyond the limit
            pass
        finally:
            writer.close()

    # ---- out

    def _pump(self) -> None:
        for effect in self.machine.drain():
            self._carry_out(effect)
        deadline = self.machine.deadline_ns()
        if self._timer is not None and (deadline is None or deadline != self._timer_ns):
            self._timer.cancel()
            self._timer = None
        if deadline is not None and self._timer is None:
            self._timer_ns = deadline
            delay_s = max(0, deadline - time.monotonic_ns()) / 1e9
            self._timer = self._loop.call_later(delay_s, self._tick)

    def _carry_out(self, effect: Effect) -> None:
        plug = self._plugs[effect.slot]
        match effect:
            case Say(_, data):
                if plug.at is not None:
                    plug.at.write(data)
            case Here(slot):
                plug.plug()
                self._watch(slot)
            case Gone(slot):
                self._unwatch(slot)
                plug.unplug()
            case Audio(slot, on):
                if on:
                    self._sounds.begin(slot)
                else:
                    self._sounds.end(slot)


def recording(file: Path) -> Frames:
    """A recording as frames. OSError or ValueError when it is none, or of another kind."""
    try:
        with wave.open(str(file)) as sound:
            if (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) != (1, 2, 8_000):
                raise ValueError(f"{file}: not mono of 16 bit at 8 kHz")
            return frames(np.frombuffer(sound.readframes(sound.getnframes()), "<i2"))
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{file}: {error}") from None


def parse(arguments: Sequence[str] | None = None) -> Options:
    """The command line; exits with 2 when it makes no sense."""
    parser = argparse.ArgumentParser(prog="dialerd.sim.io_modem_bank", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where the devices appear")
    parser.add_argument("--ports", type=int, default=4)
    parser.add_argument("--dialects", default="huawei", help="by turns, with commas between")
    parser.add_argument("--carriers", default="", help="of the cards, by turns; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=Path, help="TOML with the settings of the people")
    parser.add_argument("--speed", type=float, help="how many times faster people are")
    parser.add_argument("--hurry", type=float, default=1.0, help="and the modems' own delays")
    parser.add_argument("--pin", default="", help="of all cards")
    parser.add_argument("--cold", action="store_true", help="power comes on now")
    parser.add_argument("--speech", type=Path, nargs="*", default=[], help="WAV, 8 kHz, 16 bit")
    parser.add_argument("--record", type=Path, help="folder for what each call is heard to say")
    parser.add_argument("--ledger", type=Path, help="DIR/ledger.jsonl by default")
    parser.add_argument("--control", type=Path, help="socket; DIR/control by default")
    parser.add_argument("--tell", default="", metavar="LINE", help="to the bank that runs there")
    given = parser.parse_args(arguments)
    try:
        town = load_town(given.people.read_text()) if given.people else Town()
        if given.speed is not None:
            town = check_town(msgspec.structs.replace(town, speed=given.speed))
        setup = Setup(
            ports=given.ports,
            dialects=tuple(given.dialects.split(",")),
            seed=given.seed,
            town=town,
            cold=given.cold,
            hurry=max(0.001, given.hurry),
            carriers=tuple(filter(None, given.carriers.split(","))),
            pin=given.pin,
        )
        speech = [recording(file) for file in given.speech]
        Bank(setup, lambda _entry: None)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))
    return Options(
        folder=given.dir,
        ledger=given.ledger or given.dir / "ledger.jsonl",
        control=given.control or given.dir / "control",
        setup=setup,
        speech=speech,
        tell=given.tell,
        record=given.record,
    )


async def run(options: Options) -> None:
    """Be the bank until told to stop. OSError when devices or files fail."""
    loop = asyncio.get_running_loop()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.record is not None:
        options.record.mkdir(parents=True, exist_ok=True)
    process = Process(options, loop)
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, process.shut)
        options.control.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(
            process.serve, options.control, limit=limits.CONTROL_LINE_MAX
        )
        async with server:
            ready = {"ready": True, "ports": options.setup.ports, "pid": os.getpid()}
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()  # the parent waits for this line
            await process.done
    finally:
        process.close()
        options.control.unlink(missing_ok=True)


def _tell(options: Options) -> int:
    """Say a line to the bank that runs there; 1 when it is not there, or refuses."""
    try:
        answer = tell(options.control, options.tell)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.control}: {error}\n")
        return 1
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return int("error" in answer)


def main() -> int:
    """The process."""
    options = parse()
    if options.tell:
        return _tell(options)
    return process(run(options), "modem bank")


if __name__ == "__main__":
    sys.exit(main())
