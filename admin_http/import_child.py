"""The process that imports a file into a list: what `dialerd import` does, for a job.

It is told to end by SIGTERM, and ends by itself when its parent is gone; a list then holds whole
batches, and importing the same file again adds the rest.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from admin_http.child_ends import Line, Orphaned, check_parent, say, told
from dialerd.core.ports import NotFoundError, StoreError
from dialerd.importer.io_import import ImportFailedError, Options, import_file
from dialerd.plan_file import read_numbering
from dialerd.store import LmdbStore, open_store, wait

NICE: Final = 5  # below the admin process, which is below the daemon
GIL_SWITCH_S: Final = 0.0005
CANCELLED: Final = 3


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

    def progress(done: int, total: int) -> None:
        check_parent(order.parent)
        say(Line(done=done, total=total))

    options = Options(
        order.mapping,
        header=order.header,
        reject_file=order.problems,
        several=order.several,
        skip_elsewhere=order.skip_elsewhere,
    )
    summary = await import_file(
        order.file,
        order.list_name,
        read_numbering(order.plan, order.destinations),
        store,
        at_ms=time.time_ns() // 1_000_000,
        options=options,
        progress=progress,
    )
    found: dict[str, Any] = msgspec.to_builtins(summary)
    return Line(result=found)


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
