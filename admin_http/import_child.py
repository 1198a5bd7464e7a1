"""The process that imports a file into a list: what `dialerd import` does, for a job.

It is told to end by SIGTERM, and ends by itself when its parent is gone; a list then holds whole
batches, the job's folder says how many people that are, and importing the same file again adds the
rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from admin_http.child_ends import Line, Orphaned, check_parent, note, say, told
from dialerd.core.ports import NotFoundError, StoreError
from dialerd.importer.io_import import ImportFailedError, Options, import_file
from dialerd.importer.summary import Summary
from dialerd.plan_file import read_numbering
from dialerd.store import LmdbStore, open_store, wait
from dialerd.turns import GIL_SWITCH_S

NICE: Final = 5  # below the admin process, which is below the daemon
CANCELLED: Final = 3
COUNTS: Final = (
    "rows", "valid", "converted", "duplicate", "elsewhere", "rejected", "blank", "further",
)  # fmt: skip


class Order(msgspec.Struct, frozen=True):
    """What to import where, and how."""

    parent: int
    file: Path
    list_name: str
    store: Path
    plan: Path
    destinations: tuple[str, ...]
    problems: Path
    mapping: dict[str, str] = {}
    header: bool | None = None
    several: bool = True
    skip_elsewhere: bool = False


def main() -> int:
    """Returns the exit code: 0 when a result or an error was told."""
    os.nice(NICE)
    # The thread that writes holds the lock of the store while it waits for the one that reads.
    sys.setswitchinterval(GIL_SWITCH_S)
    order = told(Order)
    store = open_store(order.store, create=False, yields=True)
    try:
        say(asyncio.run(_run(order, store)))
    except (asyncio.CancelledError, Orphaned):
        _forget(order, store)
        return CANCELLED
    except (ImportFailedError, StoreError) as error:
        _forget(order, store)
        say(Line(error=str(error).replace(str(order.file), "the file")))
    finally:
        store.close()
    return 0


async def _run(order: Order, store: LmdbStore) -> Line:
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    books: list[Summary] = []

    def progress(done: int, total: int) -> None:
        _note(order, books)
        check_parent(order.parent)
        say(Line(done=done, total=total))

    options = Options(
        order.mapping,
        header=order.header,
        reject_file=order.problems,
        several=order.several,
        skip_elsewhere=order.skip_elsewhere,
        books=books.append,
    )
    try:
        summary = await import_file(
            order.file,
            order.list_name,
            read_numbering(order.plan, order.destinations),
            store,
            at_ms=time.time_ns() // 1_000_000,
            options=options,
            progress=progress,
        )
    except BaseException:  # also the end that it is told: what was under way is in the list now
        _note(order, books)
        raise
    found: dict[str, Any] = msgspec.to_builtins(summary) | counts(summary)
    return Line(result=found)


def counts(summary: Summary) -> dict[str, int]:
    """What a job tells of the books; `added` is what is in the list by it."""
    return {"added": summary.valid, **{name: getattr(summary, name) for name in COUNTS}}


def _note(order: Order, books: list[Summary]) -> None:
    # A full disk fails the import where it matters; what is told of it is not worth that.
    with contextlib.suppress(OSError):
        note(order.problems.parent, counts(books[0]) if books else {})


def _forget(order: Order, store: LmdbStore) -> None:
    """The mark of how far it came: the file is gone with the job, nobody goes on with it."""
    source = os.path.realpath(order.file)
    try:
        wait(store.end_import(store.find_list(order.list_name).list_id, source))
    except NotFoundError:
        return  # it was never begun
    except StoreError as error:
        sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    raise SystemExit(main())
