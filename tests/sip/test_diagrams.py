"""The page of SIP's machines says what the tables say, and is not stale."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from sip.diagrams import MACHINES, diagram, page
from tests import tree

ARROW = re.compile(r"^    (\w+) --> (\w+): (.+)$", re.MULTILINE)


def test_the_page_is_not_stale():
    kept = tree.ROOT / "docs" / "reference" / "sip-machines.md"
    assert kept.read_text(encoding="utf-8") == page(), "run python docs/generate.py"


def test_every_module_with_a_table_is_on_it():
    shown = {module.__name__ for module, _ in MACHINES}
    for path in sorted((tree.ROOT / "sip").glob("*.py")):
        if re.search(r"^TABLE\b", path.read_text(), re.MULTILINE):
            assert f"sip.{path.stem}" in shown


@pytest.mark.parametrize("module", [module for module, _ in MACHINES])
def test_every_row_is_an_arrow(module: ModuleType):
    arrows = {
        (a, why, b)
        for a, b, text in ARROW.findall("\n".join(diagram(module)))
        for why in text.split(" / ")
    }
    rows = set()
    for (state, event), entry in module.TABLE.items():
        after = entry[0] if isinstance(entry, tuple) else entry
        name = module.STATES[state].replace(" ", "_"), module.STATES[after].replace(" ", "_")
        rows.add((name[0], module.EVENTS[event], name[1]))
    assert arrows == rows
    assert f"[*] --> {module.STATES[0].replace(' ', '_')}" in "\n".join(diagram(module))
