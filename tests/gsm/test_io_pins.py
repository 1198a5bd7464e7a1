"""A refused PIN is remembered from one command to the next."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gsm.card import CardState
from gsm.events import CardChanged, CardSeen, Fact, Restarted
from gsm.io_pins import KEPT_MAX, RefusedPins, usual_path
from gsm.port import Port
from tests.gsm.drive import Hand
from tests.gsm.test_cards import Sim


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return usual_path()


class Command:
    """One run of a command, on a port in virtual time."""

    def __init__(self, sim: Sim, pin: str) -> None:
        self.hand = Hand(sim.module(), pin=pin)
        self.told: list[Fact] = []
        pins = RefusedPins(lambda: self, self.told.append)
        self.hand.start()
        seen = 0
        for _ in range(1_200):
            self.hand.run(0.05)
            for _, fact in self.hand.facts[seen:]:
                pins(fact)
            seen = len(self.hand.facts)

    def do(self, what: Callable[[Port, int], object]) -> object:
        answer = what(self.hand.port, self.hand.now)
        self.hand.settle()
        return answer


@pytest.mark.parametrize("hidden", [False, True])
def test_a_refused_pin_is_not_sent_by_the_next_command(hidden: bool) -> None:
    sim = Sim("9999", hidden=hidden)
    runs = [Command(sim, "1234") for _ in range(3)]
    assert sim.sent == ['AT+CPIN="1234"']
    assert [run.hand.port.state for run in runs] == ["sim fault"] * 3
    assert "refused before" in runs[-1].hand.port.why
    assert Command(sim, "9999").hand.port.state == "ready"
    assert len(sim.sent) == 2


def test_a_good_one_leaves_nothing_behind(state: Path) -> None:
    assert Command(Sim(), "1234").hand.port.state == "ready"
    assert state.read_text() == "{}"


def changed(pins: RefusedPins, key: str, mark: str) -> None:
    pins(CardChanged(CardState(iccid=key, locks={}, refused_pin=mark)))


def test_what_is_kept_is_bounded_and_nobody_elses(state: Path) -> None:
    told: list[Fact] = []
    pins = RefusedPins(lambda: pytest.fail("nobody is asked"), told.append)
    for number in range(KEPT_MAX + 5):
        changed(pins, f"89{number:018d}", "mark")
    assert len(pins._read()) == KEPT_MAX
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    pins(Restarted("x"))
    pins(CardSeen("nobody's"))
    assert told[-2:] == [Restarted("x"), CardSeen("nobody's")]


@pytest.mark.parametrize("text", ["", "[]", "\xff", '{"a": 1}', "{"])
def test_a_file_that_says_nothing_is_none(state: Path, text: str) -> None:
    state.parent.mkdir(parents=True)
    state.write_text(text, encoding="latin-1")
    pins = RefusedPins(lambda: pytest.fail("nobody is asked"), lambda _fact: None)
    pins(CardSeen("a"))
    changed(pins, "a", "m")
    assert pins._read() == {"a": "m"}


def test_where_nothing_can_be_written_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    changed(RefusedPins(lambda: pytest.fail("no"), lambda _fact: None), "a", "m")
    assert "cannot be remembered" in caplog.text
