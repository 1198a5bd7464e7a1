"""`dialerd listen` and `dialerd call` as processes, for the tests of both."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

Line = dict[str, object]


def dialerd_program() -> list[str]:
    return [sys.executable, "-m", "dialerd"]


class Listening:
    """A running `dialerd listen --json`."""

    def __init__(self, options: tuple[str, ...]) -> None:
        bind = () if "--bind" in options else ("--bind", "127.0.0.1:0")
        self.process = subprocess.Popen(
            [*dialerd_program(), "listen", "--json", *bind, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[Line] = []
        first = self._read()
        assert first is not None, self.process.stderr.read()
        assert first["kind"] == "listening"
        self.port = int(str(first["port"]))
        self._reader = threading.Thread(target=self._follow)
        self._reader.start()

    def _read(self) -> Line | None:
        text = self.process.stdout.readline()
        return json.loads(text) if text else None

    def _follow(self) -> None:
        while (line := self._read()) is not None:
            self.lines.append(line)

    def events(self, call: int = 1) -> list[str]:
        """The names of one call's events, in order."""
        mine = [ln for ln in self.lines if ln["kind"] == "event" and ln["call"] == call]
        return [str(ln["event"]) for ln in mine]

    def calls(self) -> list[Line]:
        return [line for line in self.lines if line["kind"] == "call"]

    def finish(self, timeout_s: float = 100.0) -> int:
        """Wait for its own end; its exit code."""
        code = self.process.wait(timeout_s)
        self._reader.join(100)
        return code

    def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(100)
        self.process.stdout.close()
        self.process.stderr.close()


@contextlib.contextmanager
def listening(*options: str) -> Iterator[Listening]:
    """One for the length of a block."""
    made = Listening(options)
    try:
        yield made
    finally:
        made.close()


def called(uri: str, *options: str) -> tuple[int, Line, str]:
    """A `dialerd call`: exit code, report, standard error."""
    done = subprocess.run(
        [*dialerd_program(), "call", uri, "--json", *options],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def names(report: Line) -> list[str]:
    return [event["event"] for event in report["timeline"]]
