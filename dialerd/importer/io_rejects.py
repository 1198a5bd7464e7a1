"""The file of refused rows: row number, original text, reason; safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dialerd.core.spreadsheet import safe, visible
from dialerd.importer.batch import Reject


def _own(path: str, flags: int) -> int:
    """For its owner's eyes alone, one of an earlier run too: the rows name people."""
    fd = os.open(path, flags, 0o600)
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):  # not what somebody pipes or throws away
            os.fchmod(fd, 0o600)
    except BaseException:
        os.close(fd)
        raise
    return fd


class RejectFile:
    """Written while the import runs. At the end there is a file only if something was refused."""

    def __init__(self, path: Path) -> None:
        """Open it, so that a folder that cannot be written to is found before the import begins.

        Raises:
            OSError: it cannot be written.
        """
        self.path = path
        self.count = 0
        # With BOM: spreadsheets take a CSV without one for the system's old encoding.
        self._file = open(  # noqa: SIM115 - closed by `close`
            path, "w", encoding="utf-8-sig", newline="", opener=_own
        )
        self._writer = csv.writer(self._file)
        self._writer.writerow(("row", "text", "reason"))

    def add(self, rejects: Iterable[Reject]) -> None:
        """Append rows; OSError that names the file when it cannot be written to."""
        with self._named():
            for reject in rejects:
                self._writer.writerow((reject.row, safe(visible(reject.text)), reject.reason))
                self.count += 1

    def close(self) -> str | None:
        """The path, or None when nothing was refused and no file is left."""
        with self._named():
            self._file.close()
        if self.count:
            return str(self.path)
        if self.path.is_file():
            self.path.unlink()
        return None

    @contextmanager
    def _named(self) -> Iterator[None]:
        """A full disk is told with the name of the file that filled it."""
        try:
            yield
        except OSError as error:
            error.filename = str(self.path)
            raise
