"""Every row of the channel's table is passed by a scenario."""

from __future__ import annotations

from collections.abc import Callable

from gsm import channel_table as table
from gsm.channel import Channel
from gsm.command import Command, Haste, Result
from gsm.limits import SECOND


class Line:
    """A channel and what it wrote."""

    def __init__(self) -> None:
        self.now = 0
        self.wrote: list[bytes] = []
        self.dead = 0
        self.results: list[Result] = []
        self.moves: set[tuple[int, int]] = set()
        self.channel = Channel(lambda _hit, _now: None, self.wrote.append, self._dead)
        plain = self.channel._move

        def move(event: int) -> None:
            self.moves.add((self.channel.state, event))
            plain(event)

        self.channel._move = move
        self.channel.opened(0)

    def _dead(self, _now: int) -> None:
        self.dead += 1

    def put(self, text: str, **named: object) -> bool:
        command = Command(text, **named)
        return self.channel.put(command, lambda r, _: self.results.append(r), self.now)

    def run(self, seconds: float) -> None:
        end = self.now + round(seconds * SECOND)
        while (due := self.channel.deadline_ns()) is not None and due <= end:
            self.now = max(self.now, due)
            self.channel.tick(self.now)
        self.now = end

    def say(self, text: str) -> None:
        self.channel.received(text.encode(), self.now)


def test_every_row_of_the_channel_is_passed():
    seen: set[tuple[int, int]] = set()

    def scenario(*steps: Callable[[Line], object]) -> Line:
        line = Line()
        for step in steps:
            step(line)
        seen.update(line.moves)
        return line

    def close(line: Line) -> None:
        line.channel.closed(line.now)

    put = lambda line: line.put("AT+X")  # noqa: E731
    text = lambda line: line.put("AT+CMGS=3", body="001122")  # noqa: E731
    ok = lambda line: line.say("\r\nOK\r\n")  # noqa: E731
    wait = lambda seconds: lambda line: line.run(seconds)  # noqa: E731
    scenario(close)
    scenario(put, ok, wait(1), put, close)
    scenario(put, ok, close)
    scenario(text, lambda line: line.say("\r\n> "), ok, wait(1))
    scenario(text, lambda line: line.say("\r\nERROR\r\n"))
    scenario(text, wait(5.1), close)
    scenario(text, close)
    scenario(put, wait(5.5), close)
    scenario(put, wait(5.5), ok, wait(1), put, ok)
    line = scenario(put, wait(60))
    assert line.dead == 1
    scenario(put, wait(60), close)

    def unanswered(line: Line, last: Callable[[Line], object]) -> None:
        """Alive at each proof, silent to each command."""
        for _ in range(9):
            put(line)
            line.run(5.5)
            ok(line)
            line.run(1)
        last(line)
        line.run(6)
        assert line.dead == 1

    scenario(lambda line: unanswered(line, put))
    scenario(lambda line: unanswered(line, text))
    scenario(
        lambda line: line.put("ATD1;", calls=True, yields=True, timeout_ns=90 * SECOND),
        lambda line: line.put("ATH", haste=Haste.HANG_UP),
    )
    names = [(table.STATES[state], table.EVENTS[event]) for state, event in set(table.TABLE) - seen]
    assert names == []
