"""The pages say what the tables and structs say, and are not stale."""

from __future__ import annotations

import re

import msgspec
import pytest

from gsm.diagrams import MACHINES, TABLES, common, diagram, dialects_page, machines_page
from tests import tree

ARROW = re.compile(r"^    (\w+) --> (\w+): (.+)$", re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "text"), [("gsm-machines", machines_page()), ("gsm-dialects", dialects_page())]
)
def test_the_pages_are_not_stale(name, text):
    kept = tree.ROOT / "docs" / "reference" / f"{name}.md"
    assert kept.read_text(encoding="utf-8") == text, "run python docs/generate.py"


def test_every_module_with_a_table_is_shown():
    shown = {module.__name__ for module, _ in MACHINES}
    for path in sorted((tree.ROOT / "gsm").glob("*.py")):
        if re.search(r"^TABLE\b", path.read_text(), re.MULTILINE):
            assert f"gsm.{path.stem}" in shown


@pytest.mark.parametrize("module", [module for module, _ in MACHINES])
def test_every_row_is_an_arrow_or_told_in_words(module):
    arrows = {
        (a, why, b)
        for a, b, text in ARROW.findall("\n".join(diagram(module)))
        for why in text.split(" / ")
    }
    for (event, after), states in common(module).items():
        arrows |= {(state.replace(" ", "_"), event, after.replace(" ", "_")) for state in states}
    rows = {
        (
            module.STATES[state].replace(" ", "_"),
            module.EVENTS[event],
            module.STATES[after].replace(" ", "_"),
        )
        for (state, event), after in module.TABLE.items()
    }
    assert arrows == rows


def test_every_key_of_a_file_is_told_with_its_meaning():
    page = dialects_page()
    for table in TABLES:
        for field in msgspec.structs.fields(table):
            row = re.search(rf"^\| `{field.encode_name}` \| (.*?) \|", page, re.MULTILINE)
            assert row is not None
    assert not re.search(r"^\| `\w+` \|  \|", page, re.MULTILINE), "a key without a meaning"
