"""The log of a process: text for people, or a JSON object a line for programs.

What is logged goes into a queue and is written by a thread of its own: a slow disk or a full pipe
behind standard error never holds the event loop. A queue that is full drops the line and counts it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from logging.handlers import QueueHandler
from pathlib import Path
from queue import Full, Queue
from typing import Any, Final, Self, TextIO

import msgspec

LINES_MAX: Final = 10_000
TEXT_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SECRET_CHARS_MIN: Final = 6  # a shorter one would black out half of the words
MASK: Final = "***"
IDS: Final = ("leg", "attempt", "lead", "campaign", "call_id", "trunk", "port", "agent", "request")
# What looks like a secret whoever logs it: bearer tokens, digests, keys in key=value.
_LOOKS_SECRET: Final = re.compile(
    r"dlr_[\w-]{16,}"
    r"|(?i:(?<=bearer )[\w.~+/-]{8,})"
    r"|(?i:(?<=password=)[^\s&,;]+|(?<=secret=)[^\s&,;]+|(?<=response=)\"?[0-9a-f]{32,}\"?)"
)

Ids = Callable[[int], dict[str, Any]]


class Redactor:
    """Blacks out secrets: those of the configuration, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets`: texts that must not be written, wherever they stand."""
        known = sorted({s for s in secrets if len(s) >= SECRET_CHARS_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _LOOKS_SECRET.sub(MASK, text)


class JsonFormatter(logging.Formatter):
    """`{"at", "level", "logger", "text", ...}` with the ids that a line is about."""

    def format(self, record: logging.LogRecord) -> str:
        """One object, no line break in it."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in IDS if hasattr(record, name)}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class _Handler(QueueHandler):
    """Puts records into the queue; knows whom a leg belongs to as long as it is there."""

    queue: Queue[logging.LogRecord | None]

    def __init__(self, lines: Queue[logging.LogRecord | None]) -> None:
        super().__init__(lines)
        self.ids: Ids | None = None
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """What has to be known now; the text is made by the thread that writes it."""
        leg = getattr(record, "leg", None)
        if self.ids is not None and leg is not None:
            record.__dict__.update(self.ids(leg))
        record.msg, record.args = record.getMessage(), None  # arguments may change behind us
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """A full queue drops it."""
        try:
            self.queue.put_nowait(record)
        except Full:
            self.dropped += 1


class LogFile:
    """A file that is opened anew when its name stands for another one, or for none.

    Whoever rotates logs moves it away and is done; nothing has to be told. Several processes may
    add to one.
    """

    def __init__(self, path: Path) -> None:
        """OSError when it cannot be written."""
        self._path = path
        self._file = self._opened()

    def _opened(self) -> TextIO:
        number = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return os.fdopen(number, "a", encoding="utf-8", errors="backslashreplace")

    def write(self, text: str) -> None:
        """Add it to the file that has the name now; to the one before while that cannot be."""
        if self._moved():
            with contextlib.suppress(OSError):  # no room for a new one, or no right to make it
                before, self._file = self._file, self._opened()
                before.close()
        self._file.write(text)

    def flush(self) -> None:
        """What was written is in the file."""
        self._file.flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()

    def _moved(self) -> bool:
        try:
            found = os.stat(self._path)
        except OSError:
            return True
        ours = os.fstat(self._file.fileno())
        return (found.st_dev, found.st_ino) != (ours.st_dev, ours.st_ino)


class Log:
    """The log of this process, from `open` to `close`."""

    def __init__(
        self,
        level: str,
        form: str,
        secrets: Iterable[str] = (),
        out: TextIO | LogFile | Path | None = None,
    ) -> None:
        """Takes over the root logger. `form` is text or json, `out` standard error by default.

        OSError when `out` is a file that cannot be written.
        """
        if isinstance(out, Path):
            out = LogFile(out)
        self._out = sys.stderr if out is None else out
        self.redact = Redactor(secrets)
        self._formatter = JsonFormatter() if form == "json" else logging.Formatter(TEXT_FORMAT)
        self._lines: Queue[logging.LogRecord | None] = Queue(LINES_MAX)
        self._handler = _Handler(self._lines)
        root = logging.getLogger()
        root.setLevel(level.upper())
        root.addHandler(self._handler)
        self._thread = threading.Thread(target=self._main, name="log", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def who(self, ids: Ids) -> None:
        """`ids` tells of a leg whose it is: attempt, lead, campaign."""
        self._handler.ids = ids

    @property
    def dropped(self) -> int:
        """Lines that found the queue full."""
        return self._handler.dropped

    def close(self) -> None:
        """What is queued is written; then the root logger is as it was."""
        logging.getLogger().removeHandler(self._handler)
        self._lines.put(None)
        self._thread.join()
        if self._handler.dropped:
            self._write(f"{self._handler.dropped} lines of the log were dropped")
        if isinstance(self._out, LogFile):
            self._out.close()

    def _main(self) -> None:
        while (record := self._lines.get()) is not None:
            try:
                text = self._formatter.format(record)
            except Exception as error:  # a line must not end the log
                text = f"a line of {record.name} cannot be written: {error!r}"
            self._write(self.redact(text))

    def _write(self, text: str) -> None:
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except (OSError, ValueError):  # nobody reads us: there is nowhere to say so
            return
