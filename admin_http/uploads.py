"""A body of any length into a file: bounded in bytes, in time, and in time between its pieces.

The file is ours alone, its name is none of the client's; whatever goes wrong, it is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from admin_http.limits import UPLOAD_BYTES_MAX, UPLOAD_CHUNK_S, UPLOAD_S
from admin_http.problems import ProblemError

PIECE: Final = 1 << 20
PREFIX: Final = "upload-"


class Upload(msgspec.Struct, frozen=True):
    """What has arrived whole."""

    path: Path
    size: int
    digest: bytes
    media: str


@contextlib.asynccontextmanager
async def received(
    request: web.Request, folder: Path, takes: tuple[str, ...]
) -> AsyncIterator[Upload]:
    """The body as a file for the length of a block, unless the block moves it away.

    Raises:
        ProblemError: 415 of another type, or compressed, 413 too large, 408 too slow, 400 it ends
            before its end, 507 no room,
            422 it is empty.
    """
    media = _media(request, takes)
    path = folder / f"{PREFIX}{secrets.token_hex(8)}"
    try:
        await asyncio.to_thread(_begin, folder, path)
        size, digest = await _store(request, path)
        if not size:
            raise ProblemError(422, "the body is empty")
        yield Upload(path, size, digest, media)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise ProblemError(507, "there is no room for it on the disk") from None
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):  # taken over
            path.unlink()


def _media(request: web.Request, takes: tuple[str, ...]) -> str:
    if request.content_type not in takes:
        allowed = ", ".join(takes)
        raise ProblemError(415, f"send one of {allowed}", headers={"Accept": allowed})
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ProblemError(415, "send it uncompressed", headers={"Accept-Encoding": "identity"})
    if (request.content_length or 0) > UPLOAD_BYTES_MAX:
        raise ProblemError(413, f"a file may have {UPLOAD_BYTES_MAX} bytes")
    return request.content_type


def _begin(folder: Path, path: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


async def _store(request: web.Request, path: Path) -> tuple[int, bytes]:
    size, found = 0, hashlib.blake2b(digest_size=16)
    try:
        async with asyncio.timeout(UPLOAD_S):
            while True:
                piece = await _piece(request)
                if not piece:
                    return size, found.digest()
                size += len(piece)
                if size > UPLOAD_BYTES_MAX:
                    raise ProblemError(413, f"a file may have {UPLOAD_BYTES_MAX} bytes")
                found.update(piece)
                await asyncio.to_thread(_append, path, piece)
    except TimeoutError:
        slow = f"a file may take {UPLOAD_S:g} s, and {UPLOAD_CHUNK_S:g} s between its pieces"
        raise ProblemError(408, slow) from None
    except web.RequestPayloadError:
        raise ProblemError(400, "the body ends before its end, or its chunks are wrong") from None


async def _piece(request: web.Request) -> bytes:
    """About a megabyte, less at the end: so that the disk is asked seldom."""
    parts: list[bytes] = []
    size = 0
    while size < PIECE:
        async with asyncio.timeout(UPLOAD_CHUNK_S):
            part = await request.content.readany()
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
