"""A simulated carrier: one process with its own SIP socket and RTP, its people and its ledger.

    python -m dialerd.sim.io_carrier --name viettel --port 5081 --seed 1 --ledger viettel.jsonl

It prints one line of JSON when it takes calls (`{"ready": true, ...}`). SIGTERM or SIGINT ends
every call, writes the last lines and exits 0. Exit codes: 1 failed, 2 usage.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dialerd.sim import callee, limits
from dialerd.sim.io_procs import process
from dialerd.sim.ledger import Ledger
from dialerd.sim.people import Town, check_town, load_town
from dialerd.sim.tones import special_information_tone, to_pcma, to_pcmu
from fastpath.rtp import MediaEngine
from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Ended, Established, Incoming, SipEvent
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local

CLOSE_S = 3.0  # how long the far side may take to confirm the ends of its calls


class Options(msgspec.Struct, frozen=True):
    """What one carrier is."""

    name: str
    host: str
    port: int
    ledger: Path
    town: Town = Town()
    seed: int = 1
    rtp_low: int = 10_000
    rtp_high: int = 19_998
    channels: int = limits.CALLS_MAX


class _Leg:
    """The media side of one call."""

    __slots__ = ("offer", "stream")

    def __init__(self, offer: bytes) -> None:
        self.offer = offer
        self.stream = 0  # none open


class Carrier:
    """Lets a `Callee` act over SIP and RTP."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        """OSError when the port or the ledger cannot be had."""
        self._options = options
        self._loop = loop
        self._ledger = Ledger(options.ledger)
        self._rng = random.Random(f"{options.seed}:{options.name}")  # noqa: S311  repeatable
        self._legs: dict[int, _Leg] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._failure: OSError | None = None
        self._closing = False
        self.done = loop.create_future()
        self.machine = callee.Callee(
            options.name,
            options.town,
            options.seed,
            wall_offset_ns=time.time_ns() - time.monotonic_ns(),
            hears=self._hears,
            channels=options.channels,
        )
        self._engine = MediaEngine(priority=0, streams_max=limits.CALLS_MAX)
        tone = special_information_tone()
        self._tone = self._engine.add_prompt(to_pcmu(tone), to_pcma(tone))
        address = (options.host, options.port)
        agent = f"simulated-{options.name}"
        self._endpoint = Endpoint(Local(*address), rng=self._rng, user_agent=agent)
        self._stack = udp_stack(self._endpoint, *address, loop, self._on_sip)
        self._engine.start()
        loop.add_reader(self._engine.fileno(), self._engine.events)

    def close(self) -> None:
        """Let go of sockets, threads and files."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._engine.fileno())
        self._engine.stop()
        self._stack.close()
        self._ledger.close()

    def shut(self) -> None:
        """End every call, then `done`."""
        self._closing = True
        self._feed(callee.Close())
        self._loop.call_later(CLOSE_S, self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            if self._failure is not None:
                self.done.set_exception(self._failure)
            else:
                self.done.set_result(None)

    # ---- in

    def _on_sip(self, event: SipEvent) -> None:
        leg = event.leg
        if isinstance(event, Incoming):
            self._legs[leg] = _Leg(event.sdp)
            host, port, _ = event.source
            self._feed(callee.Invited(leg, event.call_id, event.request_user, f"{host}:{port}"))
        elif isinstance(event, Established):
            self._feed(callee.Confirmed(leg))
        elif isinstance(event, Ended):
            media = self._legs.pop(leg, None)
            stats = self._engine.close(media.stream) if media and media.stream else None
            by: callee.By = "called"
            if event.by != "us":
                by = "caller" if event.by == "them" else "timeout"
            if stats is None:
                self._feed(callee.Gone(leg, by))
            else:
                self._feed(callee.Gone(leg, by, stats.received, stats.sent))

    def _hears(self, leg: int) -> int:
        media = self._legs.get(leg)
        return self._engine.stats(media.stream).received if media and media.stream else 0

    def _feed(self, event: callee.Event) -> None:
        self.machine.handle(event, time.monotonic_ns())
        self._pump()

    def _tick(self) -> None:
        self._timer = None
        self.machine.tick(time.monotonic_ns())
        self._pump()

    # ---- out

    def _pump(self) -> None:
        now_ns = time.monotonic_ns()
        for effect in self.machine.drain():
            self._carry_out(effect, now_ns)
        self._stack.flush()
        if self._closing and not self.machine.calls_up:
            self._loop.call_soon(self._finish)
        deadline = self.machine.deadline_ns()
        if self._timer is not None and (deadline is None or deadline != self._timer_ns):
            self._timer.cancel()
            self._timer = None
        if deadline is not None and self._timer is None:
            self._timer_ns = deadline
            delay_s = max(0, deadline - now_ns) / 1e9
            self._timer = self._loop.call_later(delay_s, self._tick)

    def _carry_out(self, effect: callee.Effect, now_ns: int) -> None:
        match effect:
            case callee.Write(entry):
                try:
                    self._ledger.append(entry)
                except OSError as error:
                    self._failure = error
                    self._finish()
            case callee.Alert(leg, early_media):
                answer = self._media(leg) if early_media else None
                self._endpoint.ring(leg, now_ns, 183 if answer else 180, answer)
                if answer:
                    self._engine.play(self._legs[leg].stream, self._tone, 0, loop=True)
            case callee.Answer(leg):
                answer = self._media(leg)
                if answer is None:  # no audio we know, or no RTP port
                    self._feed(callee.Unable(leg))
                else:
                    self._endpoint.accept(leg, answer, now_ns)
            case callee.Refuse(leg, code, phrase, q850):
                self._endpoint.reject(leg, code, now_ns, q850=q850, phrase=phrase)
            case callee.HangUp(leg):
                self._endpoint.release(leg, now_ns)
            case callee.Press(leg, digit):
                self._engine.send_digits(self._legs[leg].stream, digit, 0)

    def _media(self, leg: int) -> bytes | None:
        """Open a leg's RTP towards its caller; our SDP answer, None when there can be none."""
        media = self._legs[leg]
        try:
            there = sdp.parse(media.offer)
            if not media.stream:
                media.stream = self._engine.open(
                    self._options.host, self._options.rtp_low, self._options.rtp_high
                )
            events = -1 if there.event_type is None else there.event_type
            self._engine.connect(media.stream, there.host, there.port, there.payload_type, events)
            port = self._engine.port(media.stream)
            session = self._rng.getrandbits(31)
            return sdp.answer(media.offer, self._options.host, port, session_id=session)
        except (OSError, ValueError):
            return None


def parse(arguments: Sequence[str] | None = None) -> Options:
    """The command line; exits with 2 when it makes no sense."""
    parser = argparse.ArgumentParser(prog="dialerd.sim.io_carrier", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=Path, help="TOML with the settings of the people")
    parser.add_argument("--speed", type=float, help="how many times faster everything happens")
    parser.add_argument("--rtp-low", type=int, default=10_000)
    parser.add_argument("--rtp-high", type=int, default=19_998)
    parser.add_argument("--channels", type=int, default=limits.CALLS_MAX)
    given = parser.parse_args(arguments)
    try:
        town = load_town(given.people.read_text()) if given.people else Town()
        if given.speed is not None:
            town = check_town(msgspec.structs.replace(town, speed=given.speed))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if not given.host.startswith("127."):
        parser.error("a simulated carrier works on 127.0.0.0/8 only")
    return Options(
        name=given.name,
        host=given.host,
        port=given.port,
        ledger=given.ledger,
        town=town,
        seed=given.seed,
        rtp_low=given.rtp_low,
        rtp_high=given.rtp_high,
        channels=min(given.channels, limits.CALLS_MAX),
    )


async def run(options: Options) -> None:
    """Take calls until told to stop. OSError when sockets or files fail."""
    loop = asyncio.get_running_loop()
    carrier = Carrier(options, loop)
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, carrier.shut)
        ready = {"ready": True, "name": options.name, "port": options.port, "pid": os.getpid()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()  # the parent waits for this line
        await carrier.done
    finally:
        carrier.close()


def main() -> int:
    """The process."""
    options = parse()
    return process(run(options), f"carrier {options.name}")


if __name__ == "__main__":
    sys.exit(main())
