"""Work on files that may take their reader down, spread over child processes.

A child is `python -m MODULE ARGUMENTS COUNT FIRST STEP`. It does number FIRST, FIRST + STEP, ...
below COUNT and writes a line of JSON for each. One that is ended by a signal is at fault with the
number it was at; another takes the next one up.
"""

from __future__ import annotations

import selectors
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple, TypeVar

import msgspec

from dialerd.sim.io_world import environment

T = TypeVar("T")


class One(NamedTuple):
    """How one number ended: a line, or the signal that ended its process."""

    number: int
    line: bytes
    signal: int = 0


def spread(module: str, arguments: Sequence[str], count: int, workers: int) -> Iterator[One]:
    """Every number below `count`, as it is done."""

    def start(first: int) -> tuple[IO[bytes], int, list[Any]]:
        words = [*arguments, str(count), str(first), str(workers)]
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(), bufsize=0,
        )  # fmt: skip
        assert process.stdout is not None
        return process.stdout, selectors.EVENT_READ, [process, first]

    with selectors.DefaultSelector() as readers:
        for first in range(min(workers, count)):
            readers.register(*start(first))
        while readers.get_map():
            for key, _ in readers.select():
                process, number = key.data
                line = process.stdout.readline()
                if line:
                    key.data[1] = number + workers
                    yield One(number, line)
                    continue
                readers.unregister(process.stdout)
                process.stdout.close()
                code = process.wait()
                if code < 0:
                    yield One(number, b"", -code)
                    if number + workers < count:
                        readers.register(*start(number + workers))
                elif code or number < count:
                    raise RuntimeError(f"{module} failed at {number} with exit code {code}")


def shares(at: int) -> tuple[int, range]:
    """In a child: how many numbers there are and which are its own; `at`: of COUNT in argv."""
    count, first, step = (int(word) for word in sys.argv[at : at + 3])
    return count, range(first, count, step)


def say(found: msgspec.Struct) -> None:
    """In a child: how a number ended."""
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.buffer.flush()


def decode(line: bytes, kind: type[T]) -> T:
    """What a child said."""
    return msgspec.json.decode(line, type=kind)
