"""`dialerd console` as a person meets it: at a terminal, by -c, and from a pipe."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dialerd.cli import console_commands
from dialerd.cli.console import completions, obey
from dialerd.cli.console_commands import SHOWN
from dialerd.cli.main import cli
from dialerd.core.control import LiveEvent
from tests.control.desk import Booth

LONGEST_S = 90.0  # nothing is said about time; this ends what hangs

CREATE = ("campaign", "create", "Khảo sát", "--list", "people", "--prompt", "hello", "--regime",
          "loopback")  # fmt: skip


class Person:
    """Types into a console and reads what it shows."""

    def __init__(self, config: Path, home: Path) -> None:
        self._end, terminal = pty.openpty()
        environment = os.environ | {
            "DIALERD_CONFIG": str(config), "XDG_STATE_HOME": str(home), "TERM": "dumb",
            "COLUMNS": "200",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dialerd", "console"],
            stdin=terminal, stdout=terminal, stderr=terminal, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(terminal)
        self._seen = ""

    def types(self, text: str) -> None:
        os.write(self._end, text.encode())

    def until(self, words: str) -> str:
        """What was shown up to these words, which are taken away with it."""
        give_up = time.monotonic() + LONGEST_S
        while words not in self._seen:
            left = give_up - time.monotonic()
            assert left > 0, f"{words!r} is not in {self._seen!r}"
            if select.select([self._end], [], [], left)[0]:
                self._seen += os.read(self._end, 65_536).decode(errors="replace")
        shown, _, self._seen = self._seen.partition(words)
        return shown

    def sees(self, words: str) -> bool:
        """Whether that has been shown by now, or is a moment later."""
        if words not in self._seen and select.select([self._end], [], [], 0.1)[0]:
            self._seen += os.read(self._end, 65_536).decode(errors="replace")
        return words in self._seen

    def asks(self, line: str) -> str:
        """Type a line; what is shown before the next prompt."""
        self.types(line + "\n")
        self.until(line)
        return self.until("dialerd> ")

    def interrupts(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def leaves(self) -> int:
        self.types("\x04")
        return self.process.wait(LONGEST_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._end)


@pytest.fixture
def person(daemon: Booth, config: Path, tmp_path: Path) -> Iterator[Person]:
    one = Person(config, tmp_path / "state")
    yield one
    one.close()


def test_a_person_asks_and_leaves(daemon: Booth, command, person: Person, tmp_path: Path) -> None:
    assert command(*CREATE).code == 0
    assert "TAB completes" in person.until("dialerd> ")
    assert "Khảo sát" in person.asks("show campaigns")
    assert "fpt" in person.asks("show lines")
    told = person.asks("pacing 1")
    assert "Khảo sát (draft, broadcast)" in told
    assert "Did you mean 'show'?" in person.asks("shwo calls")
    assert "No closing quotation" in person.asks("show 'calls")
    assert "error:" in person.asks("pacing 77")
    assert person.leaves() == 1  # of the last line that failed
    history = tmp_path / "state" / "dialerd" / "console_history"
    assert history.read_text().splitlines()[:2] == ["show campaigns", "show lines"]
    assert history.stat().st_mode & 0o077 == 0


def test_tab_completes_and_the_last_lines_come_back(
    daemon: Booth, person: Person, config: Path, tmp_path: Path
) -> None:
    person.until("dialerd> ")
    person.types("show camp\t")
    person.until("show campaigns ")
    person.types("\n")
    person.until("id")
    person.until("dialerd> ")
    assert person.leaves() == 0
    again = Person(config, tmp_path / "state")
    again.until("dialerd> ")
    again.types("\x1b[A")  # the key Up
    again.until("show campaigns")
    again.close()


def event_of(command, person: Person) -> str:
    """What a view of campaigns shows first, up to the state."""
    # Campaigns are made until one is seen: nothing else says that the subscription is there.
    for number in range(1_000):
        assert command(*CREATE[:2], f"Số {number}", *CREATE[3:]).code == 0
        if person.sees("state=draft"):
            break
    return person.until("state=draft")


def test_a_view_follows_events_until_interrupted(daemon: Booth, command, person: Person) -> None:
    person.until("dialerd> ")
    person.types("events campaign\n")
    person.until("events campaign")
    assert "id=" in event_of(command, person)
    person.interrupts()
    person.until("dialerd> ")
    assert "running" in person.asks("status")
    assert person.leaves() == 130


def test_an_interrupt_of_the_command_ends_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    def goes_on(_: float) -> None:
        raise AssertionError("the view goes on")

    monkeypatch.setattr(console_commands, "following", interrupted)
    monkeypatch.setattr(console_commands.time, "sleep", goes_on)
    assert obey("watch events") == 130

    def swallowed(*_: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(console_commands, "following", swallowed)
    assert obey("watch events") == 130
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_that_is_dropped_while_an_event_is_shown_ends_the_view(
    monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    def two(*_: object) -> Iterator[LiveEvent]:
        yield LiveEvent(1, 1_700_000_000_000, "campaign", {"id": 1})
        raise AssertionError("the view goes on")

    def dropped(*_: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(console_commands, "following", two)
    monkeypatch.setattr(console_commands, "_print_event", dropped)
    assert obey("events campaign") == 130
    assert obey("watch events campaign") == 130
    assert signal.getsignal(signal.SIGINT) is before


def test_the_log_level(daemon: Booth, command) -> None:
    assert command("console", "-c", "log level").out == "info\n"
    assert command("console", "-c", "log level debug", "-c", "log level").out == "debug\ndebug\n"
    assert daemon.desk.level == "debug"
    done = command("console", "-c", "log level loud")
    assert (done.code, "Invalid value" in done.err) == (2, True)


def test_for_scripts(daemon: Booth, command) -> None:
    done = command("console", "-c", "show campaigns -o json")
    assert (done.code, json.loads(done.out)) == (0, [])
    done = command("console", "-c", "nonsense", "-c", "show campaigns -o json")
    assert (done.code, json.loads(done.out)) == (2, [])
    assert command("console", "-c", "# a comment", "-c", "", "-c", "quit", "-c", "no").code == 0
    done = command("console", "-c", "campaign show 77")
    assert (done.code, done.err.startswith("error:")) == (1, True)
    assert "show calls" not in command("console", "-c", "help").err
    assert "pacing" in command("console", "-c", "help").out
    assert "--follow" in command("console", "-c", "help pacing").out


@pytest.mark.parametrize("name", ["run", "demo", "console", "listen"])
def test_what_is_no_talk_with_the_daemon_is_not_there(name: str, command, daemon: Booth) -> None:
    done = command("console", "-c", name)
    assert done.code == 2
    assert f"No such command {name!r}" in done.err


def test_a_pipe(daemon: Booth, config: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dialerd", "console"],
        input="show campaigns --json\nstatus -o json\n", capture_output=True, text=True,
        env=os.environ | {"DIALERD_CONFIG": str(config)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert json.loads(first) == []
    assert json.loads(second)["state"] == "running"


@pytest.mark.parametrize("what", SHOWN)
def test_whatever_is_shown_is_a_command(what: str) -> None:
    known = cli
    for word in (one for one in SHOWN[what] if not one.startswith("-")):
        assert isinstance(known, click.Group)
        known = known.get_command(click.Context(known), word)
        assert known is not None


def test_completions(daemon: Booth, command) -> None:
    assert command(*CREATE).code == 0
    assert completions("", "sho") == ["show "]
    assert {"help ", "quit ", "show ", "campaign "} <= set(completions("", ""))
    assert completions("show ", "l") == ["lines ", "lists "]
    assert completions("campaign ", "app") == ["approve "]
    assert completions("campaign approve ", "Kh") == ["'Khảo sát' "]
    assert completions("pacing ", "") == ["'Khảo sát' "]
    assert completions("pacing --fo", "--fo") == ["--follow "]
    assert completions("events ", "pa") == ["pacing "]
    assert completions("", "run") == []
    assert completions("show 'open ", "x") == []


def test_no_daemon_is_told_and_the_next_line_is_read(command) -> None:
    done = command("console", "-c", "show campaigns", "-c", "log level")
    assert done.code == 4
    assert done.err.count("no daemon is running") == 2
    assert completions("pacing ", "") == []


def test_nothing_a_command_raises_ends_it(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("dialerd.cli.console.GROUP.main", lambda **_: 1 / 0)
    assert obey("show calls") == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_usage_names_no_program(capsys) -> None:
    assert obey("help") == 0
    assert capsys.readouterr().out.startswith("Usage: COMMAND [ARGS]...\n")
    assert obey("shwo calls") == 2
    assert capsys.readouterr().err.startswith("Error: No such command 'shwo'")
