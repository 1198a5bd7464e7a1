"""Files, whole or in part: ranges and conditions of RFC 9110 (sections 13 and 14).

One range is served as 206; of several, and of what is no range in bytes, the whole file, as the RFC
allows. A range that begins behind the end is refused (416).
"""

from __future__ import annotations

import asyncio
import os
import re
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import web

from admin_http import etags
from admin_http.limits import FILE_CHUNK_BYTES, STREAM_WRITE_S
from admin_http.problems import ProblemError
from admin_http.services import Call

# The unit is of any case, the digits are ASCII; Python reads numbers of 4,300 digits at most.
_ONE: Final = re.compile(r"bytes=[ \t]*([0-9]{0,1000})-([0-9]{0,1000})", re.IGNORECASE)


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last of the range that is asked for; None: all.

    Raises:
        ProblemError: 416, it begins behind the end.
    """
    found = _ONE.fullmatch(header.strip(" \t"))
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        first, last = max(0, size - int(found[2])), size - 1
    else:
        first, last = int(found[1]), int(found[2] or size)
        if found[2] and last < first:
            return None
    if first >= size or (not found[1] and found[2].strip("0") == ""):
        told = {"Content-Range": f"bytes */{size}"}
        raise ProblemError(416, f"there are {size} bytes", headers=told)
    return first, min(last + 1, size)


async def send_file(
    call: Call, path: Path, media: str, name: str, *, shown: str = "inline"
) -> web.StreamResponse:
    """A file of ours as the request asks for it; ProblemError 404 when it is gone, 416.

    `name` is what it is saved as: letters, digits, dots and dashes.
    """
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError:
        raise ProblemError(404, "the file is gone") from None
    with file:
        found = os.fstat(file.fileno())
        size, changed = found.st_size, formatdate(found.st_mtime, usegmt=True)
        tag = f'"{found.st_mtime_ns:x}-{size:x}"'
        headers = {
            **call.headers,
            "Content-Type": media,
            "Content-Disposition": f'{shown}; filename="{name}"',
            "Accept-Ranges": "bytes",
            "ETag": tag,
            "Last-Modified": changed,
            "Cache-Control": "private, no-cache",
        }
        status, first, stop = _settled(call, headers, size, {tag, changed})
        if status == 304:
            return web.Response(status=304, headers=headers)
        headers["Content-Length"] = str(stop - first)
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(call.request)
        if call.request.method != "HEAD":
            await _copy(file, first, stop, response)
        await response.write_eof()
        return response


async def _copy(file: BinaryIO, first: int, stop: int, response: web.StreamResponse) -> None:
    """So much of it; a reader that takes nothing for too long is let go (TimeoutError)."""
    await asyncio.to_thread(file.seek, first)
    while first < stop:
        data = await asyncio.to_thread(file.read, min(FILE_CHUNK_BYTES, stop - first))
        if not data:
            raise ConnectionError("the file was cut while it was sent")
        async with asyncio.timeout(STREAM_WRITE_S):
            await response.write(data)
        first += len(data)


def send_bytes(call: Call, data: bytes, tag: str, media: str) -> web.StreamResponse:
    """The same of what is in memory; `tag` is its ETag."""
    headers = {
        **call.headers,
        "Content-Type": media,
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Cache-Control": "private, no-cache",
    }
    status, first, stop = _settled(call, headers, len(data), {tag})
    if status == 304:
        return web.Response(status=304, headers=headers)
    return web.Response(status=status, body=data[first:stop], headers=headers)


def _settled(
    call: Call, headers: dict[str, str], size: int, same: set[str]
) -> tuple[int, int, int]:
    """The status, the first byte and the one behind the last, by If-None-Match and the range.

    `headers` are those of the whole, its ETag among them, and are made to fit; `same` is what
    If-Range may say of what is here now. ProblemError 416.
    """
    asked, tag = call.request.headers, headers["ETag"]
    if etags.named(asked.get("If-None-Match", ""), tag):
        del headers["Content-Type"]
        return 304, 0, 0
    part = None
    if "Range" in asked and asked.get("If-Range", tag) in same:
        part = wanted(asked["Range"], size)
    if part is None:
        return 200, 0, size
    headers["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{size}"
    return 206, *part
