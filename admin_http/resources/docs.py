"""A page to read the API: our own few lines of script, nothing from other hosts."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from aiohttp import web

from admin_http.documents import Document
from admin_http.people.access import open_
from admin_http.routes import route
from admin_http.services import Call

FOLDER: Final = Path(__file__).parent.parent / "static"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocsFile(StrEnum):
    """What the page is made of."""

    SCRIPT = "docs.js"
    STYLE = "docs.css"


class OneFile(Document):
    """Which of them."""

    file: DocsFile


@cache
def _text(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def _page(name: str, media: str) -> web.Response:
    return web.Response(
        body=_text(name),
        headers={
            "Content-Type": f"{media}; charset=utf-8",
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-cache",
        },
    )


@route("GET", "/v1/docs", None, access=open_, media=("text/html",))
async def docs(call: Call) -> web.StreamResponse:
    """This API as a page to read."""
    del call
    return _page("docs.html", "text/html")


@route("GET", "/v1/docs/{file}", None, access=open_, media=("text/javascript", "text/css"))
async def docs_file(call: Call, path: OneFile) -> web.StreamResponse:
    """The script and the style of that page."""
    del call
    media = "text/javascript" if path.file is DocsFile.SCRIPT else "text/css"
    return _page(path.file, media)
