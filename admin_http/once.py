"""Idempotency-Key: a request that makes something can be sent again without making it twice.

What was answered is kept under the asker, the address and the key for a day: the same request again
gets the same answer, another body under the key is refused, and so is a second request while the
first is under way (docs/adr/0032-jobs-and-idempotency.md). The key is durable before the deed: one
whose answer was lost with this process is told so, and nothing is done twice. Refusals are not
kept: a request that was refused did nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from aiohttp import web

from admin_http.limits import ANSWER_BYTES_MAX, ANSWER_S, ANSWERS_BYTES_MAX, ANSWERS_MAX
from admin_http.people.store import AdminStore, Kind, Txn
from admin_http.problems import Fault, ProblemError

if TYPE_CHECKING:
    from admin_http.services import Call

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_SHAPE: Final = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT: Final = ("Content-Type", "Location", "ETag")
_PAGE: Final = 200

Work = Callable[[], Awaitable[web.StreamResponse]]


class Answer(msgspec.Struct, frozen=True):
    """What a request was answered; status 0: it was begun."""

    key: bytes
    digest: bytes  # of its body
    at_ms: int
    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""


ANSWERS: Final = Kind("answers", Answer, lambda answer: answer.key)


class _Kept(NamedTuple):
    """What is known of one without reading it."""

    at_ms: int
    size: int  # of its body, in bytes


_Books = dict[bytes, _Kept]  # by key, oldest first


def digest(*parts: bytes) -> bytes:
    """Stands for what was sent."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()


class Once:
    """The answers that are kept, and the requests under way."""

    def __init__(self, admin: AdminStore) -> None:
        """Nothing is read yet."""
        self._admin = admin
        self._under_way: set[bytes] = set()
        self._books: _Books | None = None
        self._loading = asyncio.Lock()

    async def answer(self, call: Call, sent: bytes, work: Work) -> web.StreamResponse:
        """`work`'s answer, or the one that it had before.

        Raises:
            ProblemError: 400 no key, 409 it is under way, its answer is lost, or another body.
        """
        given = call.request.headers.get(HEADER)
        if given is None:
            return await work()
        key = self._key(call, given)
        if key in self._under_way:
            headers = {"Retry-After": "1"}
            raise ProblemError(409, "this very request is under way", headers=headers)
        self._under_way.add(key)
        try:
            return await self._answer(key, sent, work)
        finally:
            self._under_way.discard(key)

    def _key(self, call: Call, given: str) -> bytes:
        if not _SHAPE.fullmatch(given):
            detail = "1 to 200 visible ASCII characters"
            fault = Fault(detail=detail, parameter=HEADER)
            raise ProblemError(400, f"{HEADER}: {detail}", errors=(fault,))
        request = call.request
        asker = call.known.user or call.known.key
        return digest(
            asker.encode(), request.method.encode(), request.path.encode(), given.encode()
        )

    async def _answer(self, key: bytes, sent: bytes, work: Work) -> web.StreamResponse:
        now_ms = time.time_ns() // 1_000_000
        books = await self._known()
        with self._admin.read() as txn:
            kept = txn.get(ANSWERS, key)
        if kept is not None and kept.at_ms > now_ms - ANSWER_S * 1_000:
            return _replay(kept, sent)
        begun = Answer(key, sent, now_ms)
        await self._keep(books, begun)
        try:
            response = await work()
        except Exception:  # an answer like any other, which the frame makes: nothing to keep
            await self._forget(books, key)
            raise
        await self._keep(books, _final(begun, response))
        return response

    async def _known(self) -> _Books:
        """The keys of earlier processes too, oldest first."""
        async with self._loading:
            if self._books is None:
                self._books = await asyncio.to_thread(self._load)
        return self._books

    def _load(self) -> _Books:
        found: _Books = {}
        after = b""
        while True:
            with self._admin.read() as txn:
                rows = txn.scan(ANSWERS, _PAGE, after=after)
            found |= {one.key: _Kept(one.at_ms, len(one.body)) for one in rows}
            if len(rows) < _PAGE:
                return dict(sorted(found.items(), key=lambda item: item[1]))
            after = rows[-1].key

    async def _keep(self, books: _Books, answer: Answer) -> None:
        """Durable, with room for it: those of yesterday go, and the oldest of too many bytes.

        The books follow the commit: one that fails has changed nothing.
        """
        old_ms = answer.at_ms - ANSWER_S * 1_000
        others = {key: kept for key, kept in books.items() if key != answer.key}
        many, size = len(others), len(answer.body) + sum(kept.size for kept in others.values())
        gone: list[bytes] = []
        for key, kept in others.items():
            if kept.at_ms > old_ms and many < ANSWERS_MAX and size <= ANSWERS_BYTES_MAX:
                break
            gone.append(key)
            many, size = many - 1, size - kept.size

        def work(txn: Txn) -> None:
            for key in gone:
                txn.delete(ANSWERS, key)
            txn.put(ANSWERS, answer)

        await self._admin.change(work)
        for key in (*gone, answer.key):
            books.pop(key, None)
        books[answer.key] = _Kept(answer.at_ms, len(answer.body))

    async def _forget(self, books: _Books, key: bytes) -> None:
        await self._admin.change(lambda txn: txn.delete(ANSWERS, key))
        books.pop(key, None)


def _final(begun: Answer, response: web.StreamResponse) -> Answer:
    body = response.body if isinstance(response, web.Response) else b""
    kept = body if isinstance(body, bytes) and len(body) <= ANSWER_BYTES_MAX else b""
    return msgspec.structs.replace(
        begun,
        status=response.status,
        headers={name: response.headers[name] for name in _KEPT if name in response.headers},
        body=kept,
    )


def _replay(kept: Answer, sent: bytes) -> web.Response:
    if kept.digest != sent:
        raise ProblemError(409, f"this {HEADER} was sent with another body")
    if not kept.status:
        text = "its answer was lost: look whether it was done, then send another key"
        raise ProblemError(409, text)
    return web.Response(
        status=kept.status, headers={**kept.headers, REPLAYED: "true"}, body=kept.body
    )
