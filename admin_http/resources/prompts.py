"""Prompts: recordings of any format become what callers hear, and are heard back as WAV.

A recording is decoded by `dialerd prompt add`, in a process of its own: neither a large nor a
hostile file delays anybody here, and the daemon is told by the same words as from the command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import tempfile
import wave
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from admin_http import cursors
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.limits import PROMPT_IMPORT_S, PROMPT_IMPORTS_MAX
from admin_http.people.access import staff
from admin_http.problems import ProblemError
from admin_http.ranges import send_bytes
from admin_http.routes import route
from admin_http.services import Call
from admin_http.streams import place
from admin_http.tokens import Scope
from admin_http.uploads import received
from dialerd.control.checking import UNFINISHED, users_of
from dialerd.core.control_base import Instant
from dialerd.core.prompts_view import RATE, PromptChanged, PromptError, PromptTaken
from dialerd.core.spec_parts import PROMPT_PATTERN, PromptName
from dialerd.store.prompt_library import Entry, Library, Prompt, library_of
from dialerd.store.recording_files import safe
from fastpath import g711

IMPORTS: Final = web.AppKey("imports", asyncio.Semaphore)
TAKEN: Final = ": --replace takes its place"  # what `prompt add` says of a name that is taken
TAKES: Final = (
    "application/octet-stream", "audio/wav", "audio/x-wav", "audio/mpeg", "audio/mp4", "audio/ogg",
    "audio/opus", "audio/flac", "audio/webm", "audio/aac", "audio/amr", "audio/3gpp",
    "audio/aiff", "audio/basic",
)  # fmt: skip


__all__ = ["PROMPT_IMPORTS_MAX"]  # the application makes `IMPORTS` of it


class OnePrompt(Document):
    """Which prompt; a slash of its name is written %2F."""

    prompt: PromptName


class NewPrompt(Document):
    """What it is called, its language, and the name of the file: raw formats are told by it."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=PROMPT_PATTERN)]
    lang: Annotated[str, Meta(pattern=r"^(vi|en)?$(?!\n)")] = ""
    file: Annotated[str, Meta(max_length=200, pattern=r"^[^/\\\x00-\x1f\x7f]*$(?!\n)")] = ""


class Replacement(Document):
    """The name of the file, as for a new prompt."""

    file: Annotated[str, Meta(max_length=200, pattern=r"^[^/\\\x00-\x1f\x7f]*$(?!\n)")] = ""


class PromptInfo(Document):
    """One prompt; levels in dBov (ITU-T P.56), `warnings` say what is wrong with the recording."""

    name: str
    lang: str
    seconds: float
    file: str
    container: str
    codec: str
    rate: int
    channels: int
    imported_at: Instant
    level_dbov: float
    level_before_dbov: float
    peak_dbov: float
    sha256: str
    warnings: tuple[str, ...]
    used_by: tuple[str, ...] = ()


def _library(call: Call) -> Library:
    return library_of(call.services.config.store.path)


def _info(entry: Entry, used_by: tuple[str, ...] = ()) -> PromptInfo:
    own = PromptInfo.__struct_fields__
    same = {name: getattr(entry, name) for name in own if name not in {"seconds", "used_by"}}
    return PromptInfo(**same, seconds=round(entry.seconds, 3), used_by=used_by)


@route("GET", "/v1/prompts", Scope.READ, access=staff)
async def prompts(call: Call, query: Paging) -> Page[PromptInfo]:
    """The imported prompts, by name."""
    after = cursors.text(behind(call, query))
    library, limit = _library(call), query.limit

    def look() -> tuple[list[str], list[PromptInfo]]:
        names = list(islice((one for one in library.names() if one > after), limit + 1))
        found = []
        for name in names[:limit]:
            with contextlib.suppress(PromptError):  # removed meanwhile, or damaged
                found.append(_info(library.entry(name)))
        return names, found

    names, found = await asyncio.to_thread(look)
    return page(call, query, tuple(found), (names[limit - 1],) if len(names) > limit else None)


@route("GET", "/v1/prompts/{prompt}", Scope.READ, access=staff)
async def prompt(call: Call, path: OnePrompt) -> PromptInfo:
    """One prompt, and the unfinished campaigns that may play it."""
    return await _shown(call, path.prompt)


async def _shown(call: Call, name: str) -> PromptInfo:
    entry = await _entry(call, name)
    users = await call.services.read(lambda store: users_of(name, store, UNFINISHED))
    return _info(entry, tuple(users))


async def _entry(call: Call, name: str) -> Entry:
    library = _library(call)
    try:
        if name not in library:
            raise PromptError("")
        return await asyncio.to_thread(library.entry, name)
    except PromptError:
        raise ProblemError(404, f"there is no imported prompt {name!r:.120}") from None


@route(
    "POST",
    "/v1/prompts",
    Scope.CAMPAIGNS,
    access=staff,
    status=201,
    takes=TAKES,
    also=(409, 422),
)
async def add_prompt(call: Call, query: NewPrompt) -> PromptInfo:
    """A prompt of a recording in any format; it is levelled, and told what is wrong with it."""
    if query.name in _library(call):
        raise ProblemError(409, f"there is a prompt {query.name} already")
    made = await _import(call, query.name, query.file, "--lang", query.lang)
    call.headers["Location"] = f"/v1/prompts/{query.name.replace('/', '%2F')}"
    return made


@route(
    "PUT",
    "/v1/prompts/{prompt}",
    Scope.CAMPAIGNS,
    access=staff,
    takes=TAKES,
    document=prompt,
    also=(422,),
)
async def replace_prompt(call: Call, path: OnePrompt, query: Replacement) -> PromptInfo:
    """Another recording in its place: the next call plays it."""
    await _import(call, path.prompt, query.file, "--replace", "--lang", call.seen.lang)
    return await _shown(call, path.prompt)


@route("DELETE", "/v1/prompts/{prompt}", Scope.CAMPAIGNS, access=staff, also=(409,))
async def remove_prompt(call: Call, path: OnePrompt) -> PromptTaken:
    """Forget it, when no unfinished campaign names it."""
    await _entry(call, path.prompt)
    return await call.services.control.call(PromptChanged(name=path.prompt, remove=True))


@route(
    "GET",
    "/v1/prompts/{prompt}/audio",
    Scope.READ,
    access=staff,
    media=("audio/wav",),
    headers=("Range", "If-Range", "If-None-Match"),
    also=(206, 304, 416),
)
async def prompt_audio(call: Call, path: OnePrompt) -> web.StreamResponse:
    """What callers hear: 16-bit WAV at 8 kHz, through G.711 and back."""
    entry = await _entry(call, path.prompt)
    library = _library(call)
    try:
        data = await asyncio.to_thread(lambda: _wav(library.get(path.prompt)))
    except PromptError:
        raise ProblemError(404, f"the prompt {path.prompt!r:.120} is damaged") from None
    return send_bytes(call, data, f'"{entry.sha256[:32]}"', "audio/wav")


def _wav(found: Prompt) -> bytes:
    samples = g711.ulaw_decode(found.pcmu)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, RATE, len(samples), "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


async def _import(call: Call, name: str, file: str, *options: str) -> PromptInfo:
    """Take the body and have it made into a prompt; ProblemError of `received`, 409, 422, 503."""
    folder = call.services.config.store.path / "admin" / "uploads"
    async with (
        place(call.request.app[IMPORTS], "recordings"),
        received(call.request, folder, TAKES) as upload,
    ):
        with tempfile.TemporaryDirectory(prefix="prompt-", dir=folder) as inside:
            source = Path(inside, safe(file or "recording"))
            upload.path.rename(source)
            code, out, err = await _run(call, source, name, *options)
    if code == 0:
        entry = msgspec.json.decode(out, type=_Added)
        return _info(await _entry(call, entry.name))
    said = err.replace(f"{source.parent}/", "").strip().rpartition("\n")[2].removeprefix("error: ")
    raise ProblemError(409 if TAKEN in said else 422, said.replace(TAKEN, "")[:500])


class _Added(msgspec.Struct, frozen=True):
    """Of what `prompt add` prints, all that is needed."""

    name: str


async def _run(call: Call, source: Path, name: str, *options: str) -> tuple[int, str, str]:
    """`dialerd prompt add`: its exit code, and what it says. A request that is given up ends it."""
    given = tuple(word for word in options if word)
    if given[-1:] == ("--lang",):
        given = given[:-1]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dialerd", "prompt", "add", str(source), "--name", name,
        "-c", str(call.services.config_path), "-o", "json", *given,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PROMPT_IMPORT_S):
            out, err = await child.communicate()
    except TimeoutError:
        raise ProblemError(422, f"it took longer than {PROMPT_IMPORT_S:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode or 0, out.decode(), err.decode("utf-8", "replace")
