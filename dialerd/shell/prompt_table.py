"""Prompt names to prompts of the media engine, which every call shares."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator
from pathlib import Path

from dialerd.core.prompts_view import PromptError
from dialerd.shell.prompts import SAMPLES, Prompt, load_prompt
from dialerd.store.prompt_library import Library
from fastpath.rtp import MediaEngine

SUFFIXES = (
    "", ".wav", ".ulaw", ".alaw", ".mp3", ".m4a", ".ogg", ".opus", ".flac", ".3gp", ".webm",
    ".aiff", ".amr",
)  # fmt: skip
NEAREST = 3


class Shelves:
    """Where prompts lie: imported ones first, then files below the folders, then the samples.

    A file is named by its path below its folder, with or without suffix.
    """

    def __init__(self, folders: tuple[Path, ...], library: Library | None = None) -> None:
        self._folders = tuple(dict.fromkeys((*folders, SAMPLES)))
        self._library = library

    def find(self, name: str) -> Path:
        """The file of a prompt; PromptError names those that are called nearly so."""
        as_path = Path(name)
        if as_path.is_absolute() or ".." in as_path.parts or not as_path.name:
            raise PromptError(
                f"prompt '{name}': a prompt is named by its path below the prompts folder"
            )
        if self._library is not None and name in self._library:
            return self._library.path(name)
        for folder in self._folders:
            for suffix in SUFFIXES:
                path = (folder / name).with_name(as_path.name + suffix)
                if path.is_file():
                    return path
        places = ", ".join(str(f) for f in self._folders)
        near = difflib.get_close_matches(name, sorted(set(self.names())), n=NEAREST, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise PromptError(
            f"prompt '{name}' is neither imported (dialerd prompt add FILE) nor in {places}{hint}"
        )

    def names(self) -> Iterator[str]:
        """Every prompt that a campaign can name, words left out."""
        if self._library is not None:
            yield from self._library.names()
        for folder in self._folders:
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(folder).with_suffix("").as_posix()
                if path.suffix and path.suffix in SUFFIXES and "/words/" not in f"/{name}":
                    yield name

    def remove(self, name: str) -> None:
        """Forget an imported one; PromptError."""
        if self._library is None:
            raise PromptError(f"there is no imported prompt {name}")
        self._library.remove(name)

    def read(self, name: str) -> Prompt:
        """One ready to play; PromptError."""
        path = self.find(name)
        try:
            if self._library is not None and path == self._library.path(name):
                return self._library.get(name)
            return load_prompt(path)
        except PromptError as error:
            raise PromptError(f"prompt '{name}': {error}") from error


class Prompts:
    """The prompts that the engine holds; each is read once."""

    def __init__(
        self, engine: MediaEngine, folders: tuple[Path, ...], library: Library | None = None
    ) -> None:
        self._engine = engine
        self._shelves = Shelves(folders, library)
        self._ids: dict[str, int] = {}

    async def prepare(self, name: str) -> None:
        """Decode a prompt in a thread, so that calls in progress do not wait for it; PromptError.

        Done when a campaign is made or approved and at the start, never first in a call.
        """
        if name not in self._ids:
            self._add(name, await asyncio.to_thread(self._shelves.read, name))

    def load(self, name: str) -> int:
        """The engine's id of a prompt, decoded here if it is not prepared; PromptError."""
        if name not in self._ids:
            self._add(name, self._shelves.read(name))
        return self._ids[name]

    async def read(self, name: str) -> Prompt:
        """What a name stands for now, for whoever plays it elsewhere; PromptError."""
        return await asyncio.to_thread(self._shelves.read, name)

    async def renew(self, name: str) -> float:
        """Take what a name stands for now; its length in seconds. PromptError when nothing.

        Calls that play what it stood for before hear that to its end.
        """
        try:
            prompt = await asyncio.to_thread(self._shelves.read, name)
        except PromptError:
            self._drop(name)
            raise
        self._drop(name)
        self._add(name, prompt)
        return prompt.seconds

    async def remove(self, name: str) -> None:
        """Take an imported prompt from the disk; `renew` says what its name stands for then."""
        await asyncio.to_thread(self._shelves.remove, name)

    def _add(self, name: str, prompt: Prompt) -> None:
        if name in self._ids:  # two may have asked for it at once
            return
        try:
            self._ids[name] = self._engine.add_prompt(prompt.pcmu, prompt.pcma)
        except OSError as error:
            raise PromptError(f"prompt '{name}': {error.strerror}") from error

    def _drop(self, name: str) -> None:
        number = self._ids.pop(name, None)
        if number is not None:
            self._engine.remove_prompt(number)
