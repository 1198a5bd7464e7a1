"""A bar for a person who waits: on the standard error of a terminal, nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = Callable[[float, float], None]  # how much is done, of how much


@contextmanager
def waiting(what: str, *, wanted: bool = True) -> Iterator[Told]:
    """For the length of a block a bar with its title; to and fro until it is told how much.

    `wanted`: whether a person reads the result, not a program.
    """
    if not wanted or not sys.stderr.isatty():
        yield lambda _done, _whole: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=max(done, whole))
