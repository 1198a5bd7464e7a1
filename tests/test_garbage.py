"""How seldom garbage is looked for, and that it is as before afterwards."""

from __future__ import annotations

import gc
import weakref

import pytest

from dialerd.garbage import SELDOM, seldom_collected


class Node:
    """One that can stand in a cycle."""

    def __init__(self) -> None:
        self.itself = self


def test_it_is_seldom_inside_and_as_before_afterwards():
    before, kept = gc.get_threshold(), gc.get_freeze_count()
    with seldom_collected():
        assert gc.isenabled()
        assert gc.get_threshold() == SELDOM
        assert gc.get_freeze_count() > 1_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, kept)
    with pytest.raises(ZeroDivisionError), seldom_collected():
        raise ZeroDivisionError
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, kept)


def test_cycles_are_found_all_the_same():
    with seldom_collected():
        gone = weakref.ref(Node())
        assert gone() is not None
        kept = [[] for _ in range(SELDOM[0] + 1_000)]
        assert gone() is None
        assert kept
