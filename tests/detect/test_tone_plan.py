"""Tone plans: what is wrong with one is told with its place; the shipped ones are sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialerd.detect.tone_plan import book_of, find_plan, load_book, read_plan, shipped
from dialerd.toml_load import TomlError

GOOD = '[[tone]]\nkind = "busy"\nhertz = [425]\ncadence_s = [0.5, 0.5]\n'


@pytest.mark.parametrize("name", list(shipped()))
def test_every_shipped_plan_is_sound_and_has_a_title(name: str) -> None:
    plan = read_plan(find_plan(name))
    assert plan.title
    assert {"ringback", "busy"} <= {tone.kind for tone in plan.tone}
    assert len(load_book(name)) == len(plan.tone)


def test_viet_nam_says_that_it_is_an_assumption() -> None:
    assert "ASSUMPTION" in find_plan("vn").read_text()


def test_all_plans_at_once_say_each_tone_once() -> None:
    together = load_book()
    each = sum(len(load_book(name)) for name in shipped())
    assert len(together) < each
    assert len(load_book("vn eu")) < len(load_book("vn")) + len(load_book("eu"))
    assert together.names[-3:] == ("cng", "ced", "bell")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[[tone]]\nkind = "bussy"\nhertz = [425]\n', 2, "did you mean 'busy'?"),
        ('[[tone]]\nkind = "ring"\nhertz = [425]\n', 2, "ringback, busy, congestion, dial, other"),
        ('[[tone]]\nkind = "busy"\nhertz = [42]\n', 3, "200"),
        ('[[tone]]\nkind = "busy"\nhertz = [425, 1, 2, 3]\n', 3, "hertz"),
        ('[[tone]]\nkind = "busy"\nhertz = [425]\ncadence_s = [0.5]\n', 4, "time off"),
        ('[[tone]]\nkind = "busy"\nhertz = [425]\ncadence_s = [0.01, 0.5]\n', 4, "0.08"),
        ('[[tone]]\nkind = "busy"\nhertz = [425]\nname = "x"\n', 4, "other"),
        ('[[tone]]\nkind = "other"\nhertz = [425]\n', 2, "needs a name"),
        ('[[tone]]\nkind = "busy"\nhertz = [425, 425]\n', 3, "twice"),
        ('[[tone]]\nkind = "busy"\nhertz = [425, 450]\nmodulated_hertz = 20\n', 4, "single"),
        ('[[tone]]\nkind = "busy"\nherz = [425]\n', 3, "hertz"),
        (GOOD + GOOD, 5, "the same as"),
        ("", 1, "tone"),
    ],
)
def test_faults_name_their_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(TomlError) as caught:
        read_plan(path)
    assert said in str(caught.value)
    assert line in [one.line for one in caught.value.findings]


def test_a_plan_of_ones_own_is_named_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert book_of(read_plan(path)).names[0] == "busy"
    assert len(load_book(f"{path} us")) == 5
    with pytest.raises(TomlError, match=r"no tone plan 'zz'; known: .*vn"):
        load_book("zz")
