"""How often Python looks for garbage in cycles: seldom, in a program whose calls leave none.

What a call is made of is freed by counting references. Yet each allocation counts towards the next
look, and each look walks over what the calls in progress keep, which is all alive: at thousands of
calls a second that was a third of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (50_000, 20, 100)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Around a program's main loop: what is loaded by now stays, new garbage is looked for seldom.

    As it was afterwards.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
