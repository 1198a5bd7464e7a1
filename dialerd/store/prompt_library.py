"""The prompts of the data folder: imported once, as payloads that streams send as they are.

A prompt is one file, NAME.prompt: a magic line, the length of a JSON header, the header, then the
PCMU payload and the PCMA payload, as long as each other. It is written beside its place and moved
there, so that a reader finds the old or the new one whole; its header holds the hash of what
follows, so that a damaged one is not played.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from dialerd.core.campaign_spec import PROMPT_PATTERN
from dialerd.core.limits import PROMPT_CHARS_MAX
from dialerd.core.prompts_view import RATE, SECONDS_MAX, PromptError

FOLDER: Final = "prompts"  # below the data folder
SUFFIX: Final = ".prompt"
MAGIC: Final = b"dialerd prompt 1\n"
HEADER_BYTES_MAX: Final = 64 << 10
PROMPTS_MAX: Final = 3_000  # of one library: the engine holds 4096, samples and words included
_NAME: Final = re.compile(PROMPT_PATTERN)


class Prompt(NamedTuple):
    """A prompt ready to play: the same 8 kHz audio in both codings, a byte for each sample."""

    pcmu: bytes
    pcma: bytes
    seconds: float


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an imported prompt. Levels in dBov, see `speech_level`."""

    name: str
    lang: str
    file: str  # the name of the file it came from
    source_sha256: str
    sha256: str  # of both payloads
    samples: int
    imported_at: datetime
    container: str
    codec: str
    rate: int
    channels: int
    level_dbov: float
    level_before_dbov: float
    peak_dbov: float
    active: float
    gain_db: float
    limited_db: float
    dc: float
    clipped: int
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples / RATE


def check_name(name: str) -> str:
    """A name that a campaign can write; PromptError."""
    if len(name) > PROMPT_CHARS_MAX or not _NAME.match(name):
        raise PromptError(
            f"'{name[:PROMPT_CHARS_MAX]}' cannot be the name of a prompt: letters, digits, dash,"
            " underscore, dot and slash; name it with --name"
        )
    return name


class Library:
    """The prompts below one folder, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where a prompt is kept; PromptError when it cannot have that name."""
        return self.folder / (check_name(name) + SUFFIX)

    def __contains__(self, name: str) -> bool:
        try:
            return self.path(name).is_file()
        except PromptError:
            return False

    def names(self) -> list[str]:
        """All of them, sorted."""
        found = (p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*" + SUFFIX))
        return sorted(n.removesuffix(SUFFIX) for n in found if _NAME.match(n))

    def entries(self) -> Iterator[Entry]:
        """What is known of each; a damaged one is left out."""
        for name in self.names():
            with contextlib.suppress(PromptError):
                yield self.entry(name)

    def entry(self, name: str) -> Entry:
        """What is known of one; PromptError."""
        return self._read(name)[0]

    def get(self, name: str) -> Prompt:
        """One ready to play; PromptError when it is not there or damaged."""
        entry, pcmu, pcma = self._read(name)
        if digest(pcmu, pcma) != entry.sha256:
            raise PromptError(f"{self.path(name)}: damaged: import the prompt again")
        return Prompt(pcmu, pcma, entry.seconds)

    def add(self, entry: Entry, prompt: Prompt, *, replace: bool = False) -> None:
        """Keep one; PromptError when the name is taken, or the disk refuses it."""
        path = self.path(entry.name)
        if not replace and path.exists():
            raise PromptError(
                f"there is a prompt {entry.name} already: --replace takes its place, --name gives"
                " this one another name"
            )
        if not path.exists() and len(self.names()) >= PROMPTS_MAX:
            raise PromptError(f"{PROMPTS_MAX} prompts are kept already: remove one first")
        header = msgspec.json.encode(entry)
        data = MAGIC + len(header).to_bytes(4, "big") + header + prompt.pcmu + prompt.pcma
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(path, data)
        except OSError as error:
            raise PromptError(f"{path}: cannot write it: {error.strerror}") from error

    def remove(self, name: str) -> None:
        """Forget one; PromptError when it is not there."""
        path = self.path(name)
        try:
            path.unlink()
        except FileNotFoundError:
            raise PromptError(f"there is no imported prompt {name}") from None
        except OSError as error:
            raise PromptError(f"{path}: cannot remove it: {error.strerror}") from error
        with contextlib.suppress(OSError):  # a folder that still holds others stays
            path.parent.rmdir() if path.parent != self.folder else None

    def _read(self, name: str) -> tuple[Entry, bytes, bytes]:
        path = self.path(name)
        try:
            with path.open("rb") as file:
                data = file.read(len(MAGIC) + 4 + HEADER_BYTES_MAX + 2 * SECONDS_MAX * RATE)
        except OSError as error:
            raise PromptError(f"{path}: {error.strerror}") from error
        start = len(MAGIC) + 4
        size = int.from_bytes(data[len(MAGIC) : start], "big")
        try:
            if not data.startswith(MAGIC) or size > HEADER_BYTES_MAX:
                raise ValueError("no prompt file")
            entry = msgspec.json.decode(data[start : start + size], type=Entry)
        except ValueError as error:
            raise PromptError(f"{path}: damaged: import the prompt again") from error
        payload = data[start + size :]
        if entry.samples <= 0 or len(payload) != 2 * entry.samples:
            raise PromptError(f"{path}: damaged: import the prompt again")
        return entry, payload[: entry.samples], payload[entry.samples :]


def library_of(data: Path) -> Library:
    """That of a data folder."""
    return Library(data / FOLDER)


def digest(pcmu: bytes, pcma: bytes) -> str:
    """The hash that a header holds of its payloads."""
    return hashlib.sha256(pcmu + pcma).hexdigest()


def _write_whole(path: Path, data: bytes) -> None:
    """Write and sync beside, move into place, sync the folder."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
