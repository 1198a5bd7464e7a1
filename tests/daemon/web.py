"""The HTTP API of a daemon that runs: its admin process asked over a real socket."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from admin_http import tokens
from admin_http.people.store import AdminStore
from admin_http.tokens import Scope, utc_now
from tests.waiting import until

TIMEOUT_S = 100.0


class Answer(msgspec.Struct):
    """What came back."""

    status: int
    headers: dict[str, str]  # names in small letters
    body: bytes

    @property
    def data(self) -> Any:
        return msgspec.json.decode(self.body)


class Web:
    """One client with one token; `answered` gathers (method, path, status) of all that it asked."""

    def __init__(self, port: int, secret: str) -> None:
        self.port = port
        self.secret = secret
        self.answered: list[tuple[str, str, int]] = []

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> Answer:
        """A struct or dict as JSON, bytes as they are; `If_Match` is the header If-Match."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        secret = self.secret if token is None else token
        if secret:
            sent["Authorization"] = f"Bearer {secret}"
        if body is not None and not isinstance(body, bytes):
            body = msgspec.json.encode(body)
            sent.setdefault("Content-Type", "application/json")
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            line.request(method, path, body, sent)
            answer = line.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            self.answered.append((method, path.partition("?")[0], answer.status))
            return Answer(answer.status, found, answer.read())
        finally:
            line.close()

    def good(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """An answer that is no refusal."""
        answer = self.ask(method, path, body, **headers)
        assert 200 <= answer.status < 300, (method, path, answer.status, answer.body[:2_000])
        return answer

    def get(self, path: str) -> Any:
        """The document."""
        return self.good("GET", path).data


def make_token(data: Path, *scopes: Scope, name: str = "test") -> str:
    """A program's token for a data folder: its secret."""
    admin = AdminStore(data)
    try:
        return admin.write(
            lambda txn: tokens.add(txn, name, scopes or tuple(Scope), utc_now(), None)
        )
    finally:
        admin.close()


@contextmanager
def web(d: Any) -> Iterator[Web]:
    """A daemon of `tests/daemon/conftest.py` with its admin process, until both answer."""
    secret = make_token(d.folder / "data")
    d.start()
    d.ready().close()
    found = Web(d.http, secret)

    def ready() -> bool:
        try:
            return found.ask("GET", "/v1/health/ready").status == 200
        except OSError:
            return False

    until(ready, 60.0, 0.05)
    found.answered.clear()
    yield found
