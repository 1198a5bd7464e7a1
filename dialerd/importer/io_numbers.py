"""A file of telephone numbers, one a line, in pieces; what is none goes to a file with its line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Self

import msgspec

from dialerd.importer.batch import Reject
from dialerd.importer.io_rejects import RejectFile
from dialerd.importer.io_source import Source
from fastpath.numbers import Numbering

NUMBER_CHARS_MAX = 200


class Piece(msgspec.Struct, frozen=True):
    """Some lines: how many they were, and the numbers in them, each once."""

    lines: int
    phones: tuple[int, ...]


class NumberFile:
    """Read piece by piece, in any encoding; the first cell of a line counts, blank lines do not."""

    def __init__(self, path: Path, numbering: Numbering, rejects: Path, chunk: int) -> None:
        """Open it: SourceError when it cannot be read; OSError of the file of refused lines."""
        self._numbering = numbering
        self._chunk = chunk
        self._source = Source(path)
        try:
            self._rejects = RejectFile(rejects)
        except BaseException:
            self._source.close()
            raise
        self._lines = enumerate(self._source.lines(), 1)

    @property
    def refused(self) -> int:
        """How many lines held no number."""
        return self._rejects.count

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> Piece:
        """The next lines."""
        lines = list(islice(self._lines, self._chunk))
        if not lines:
            raise StopIteration
        refused: list[Reject] = []
        phones = tuple(dict.fromkeys(self._phones(lines, refused)))
        self._rejects.add(refused)
        return Piece(len(lines), phones)

    def _phones(self, lines: list[tuple[int, str]], refused: list[Reject]) -> Iterator[int]:
        for number, line in lines:
            text = line.strip().split(",")[0].split(";")[0].strip(' "\t')[: NUMBER_CHARS_MAX + 1]
            if not text:
                continue
            found = self._numbering.analyse(text)
            if found.e164 is not None and len(text) <= NUMBER_CHARS_MAX:
                yield int(found.e164[1:])
            else:
                reason = found.reason or "too long"
                refused.append(Reject(number, text[:NUMBER_CHARS_MAX], reason))

    def close(self) -> None:
        """Let go of both files; that of refused lines stays if there were any."""
        self._source.close()
        self._rejects.close()
