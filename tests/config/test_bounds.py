"""A file that would keep a parser busy is refused before any parser sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.config import ConfigError, load
from dialerd.toml_bounds import KEY_PARTS_MAX, LINE_MAX, NESTING_MAX, outsized

MANY = 200_000


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a = 1\n" + ".".join("a" * 4_000) + " = 1", 2, "a key of too many parts"),
        ("x = 1\n" * 3 + ".".join(["a"] * MANY) + " = 1", 4, "longer than"),
        ("\n".join(".".join(["a"] * 5_000) + f"{i} = 1" for i in range(40)), 1, "too many parts"),
        ("[" + ".".join(["a"] * 20) + "]", 1, "too many parts"),
        ('x = { "a"' + ' . "a"' * 20 + " = 1 }", 1, "too many parts"),
        ("x = " + "[" * 40, 1, "nested too deeply"),
        ("x = [\n" + "[\n" * 40, 17, "nested too deeply"),
        ("x = " + "{ a = " * 40, 1, "nested too deeply"),
        ('"' * 16_000 + "\n" + "'" * 16_000, 0, ""),
        ('x = """' + "\\\n" * MANY, 0, ""),
    ],
)
def test_refused(text: str, line: int, what: str, tmp_path: Path) -> None:
    found = outsized(text)
    assert (found is not None) == bool(what)
    if found is not None:
        assert found[0] == line
        assert what in found[1]
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert f"{path}:{line or ''}" in str(caught.value)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize(
    "text",
    [
        "a.b.c.d = 1\n[a.b.x]\n[[trunk]]\nx = [[1, 2], [3]]",
        'x = "' + "a." * 1_000 + '"',
        "x = '''" + "[\n" * 1_000 + "'''",
        "# " + "[" * 1_000 + "." * 1_000,
        "x = [" + '"8490", ' * 1_000 + "]",
        "x = " + "[" * NESTING_MAX + "]" * NESTING_MAX,
        ".".join("a" * KEY_PARTS_MAX) + " = 1",
        "x" * LINE_MAX,
    ],
)
def test_let_through(text: str) -> None:
    assert outsized(text) is None


@given(st.text("[]{}.=,\n\"'#\\ ab", max_size=300))
def test_any_text_gets_an_answer(text: str) -> None:
    found = outsized(text)
    assert found is None or 1 <= found[0] <= text.count("\n") + 1


def test_faults_without_end_are_counted_to_a_limit(write) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write("".join(f"{'k' * 60}{i} = 1\n" for i in range(10_000))))
    assert len(caught.value.findings) == 1_000
