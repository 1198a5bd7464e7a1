"""What every kind of leg must say for itself."""

from __future__ import annotations

import ast
import inspect

import pytest

from sip.calls.incoming import Incoming
from sip.calls.leg import Leg
from sip.calls.outgoing import Outgoing
from tests import tree


def left_open() -> set[str]:
    """The methods of Leg whose body only raises NotImplementedError."""
    module = tree.syntax(tree.ROOT / "sip" / "calls" / "leg.py")
    leg = next(n for n in module.body if isinstance(n, ast.ClassDef) and n.name == "Leg")
    return {
        node.name
        for node in leg.body
        if isinstance(node, tree.Function)
        and isinstance(node.body[-1], ast.Raise)
        and getattr(node.body[-1].exc, "id", "") == "NotImplementedError"
    }


def test_there_are_methods_that_only_the_kinds_of_legs_have() -> None:
    assert {"established", "negotiable", "release", "on_bye"} <= left_open()


@pytest.mark.parametrize("kind", [Outgoing, Incoming])
@pytest.mark.parametrize("name", sorted(left_open()))
def test_both_kinds_of_legs_have_them(kind: type[Leg], name: str) -> None:
    own, left = getattr(kind, name), vars(Leg)[name]
    assert own is not left, f"{kind.__name__} leaves {name} to Leg, which has none"
    assert [*inspect.signature(own).parameters] == [*inspect.signature(left).parameters]
