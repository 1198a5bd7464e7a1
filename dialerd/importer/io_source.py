"""A file as lines of text, whatever its encoding, never more than a chunk of it in memory."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from dialerd.importer.encoding import UTF8, NotTextError, Utf8Check, composed, from_head
from dialerd.importer.limits import CHUNK_BYTES, LINE_CHARS_MAX


class SourceError(Exception):
    """The file cannot be read; one line that says why."""


class Source:
    """An open file. What is no regular file (a pipe) is copied first, as it is read twice."""

    def __init__(self, path: Path) -> None:
        """Open it and find out its encoding.

        Raises:
            SourceError: it cannot be opened, or is no text.
        """
        self.path = path
        try:
            self._file = _open(path)
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror or error}") from None
        try:
            self.size = self._file.seek(0, io.SEEK_END)
            self.encoding = self._find_encoding()
            self._file.seek(0)
        except NotTextError as error:
            self.close()
            raise SourceError(f"cannot read {path}: {error}") from None
        except OSError as error:
            self.close()
            raise SourceError(f"cannot read {path}: {error.strerror or error}") from None
        self._text = io.TextIOWrapper(self._file, self.encoding, errors="replace", newline="")

    def __enter__(self) -> Self:
        """For `with`: closed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes read by `lines` so far."""
        return self._file.tell() if not self._file.closed else self.size

    def digest(self) -> bytes:
        """Stands for the file's bytes, all of them. Before the first line is read."""
        try:
            found = hashlib.blake2b(digest_size=16)
            self._file.seek(0)
            while chunk := self._file.read(CHUNK_BYTES):
                found.update(chunk)
            self._file.seek(0)
        except OSError as error:
            raise SourceError(f"cannot read {self.path}: {error.strerror or error}") from None
        return found.digest()

    def lines(self) -> Iterator[str]:
        """Every line with its end (LF, CRLF or CR), tone marks composed; once.

        Of a line longer than LINE_CHARS_MAX only the beginning is handed out, one character over
        that limit and without quotation marks, so that it is refused as one row.
        """
        text = self._text
        try:
            while line := text.readline(LINE_CHARS_MAX + 1):
                if len(line) > LINE_CHARS_MAX:
                    rest = line
                    while rest and not rest.endswith(("\n", "\r")):
                        rest = text.readline(LINE_CHARS_MAX + 1)
                    line = line.replace('"', " ")
                yield composed(line)
        except OSError as error:
            raise SourceError(f"cannot read {self.path}: {error.strerror or error}") from None

    def _find_encoding(self) -> str:
        self._file.seek(0)
        chunk = self._file.read(CHUNK_BYTES)
        if name := from_head(chunk):
            return name
        check = Utf8Check()
        while chunk:
            if name := check.feed(chunk):
                return name
            chunk = self._file.read(CHUNK_BYTES)
        return UTF8


def _open(path: Path) -> BinaryIO:
    file = path.open("rb")
    try:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode):
            return file
        with file:
            copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
            while chunk := file.read(CHUNK_BYTES):
                copy.write(chunk)
            return copy
    except BaseException:
        file.close()
        raise
