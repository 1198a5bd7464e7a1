"""An account of ours, and the registrar as a hand-made peer."""

from __future__ import annotations

from fastpath.sipscan import Message
from sip.accounts.auth import Credentials
from sip.events import Account, Registration
from sip.limits import MS, SECOND
from tests.sip.net import THEM, Us, reply

SECOND_ONE = ("192.0.2.3", 5060, 0)
NONCE = 'Digest realm="r", nonce="{}", qop="auth"'
CONTACT = "<sip:1900@192.0.2.1:5060>"


def account(**changes: object) -> Account:
    fields: dict[str, object] = {
        "name": "viettel",
        "aor": "sip:1900@carrier.vn",
        "registrar": "sip:carrier.vn",
        "targets": (THEM,),
        "credentials": Credentials("1900", "secret"),
    }
    fields.update(changes)
    return Account(**fields)  # type: ignore[arg-type]


class Ours(Us):
    """Our side with one account."""

    def __init__(self, seed: int = 1, **changes: object) -> None:
        super().__init__(seed=seed)
        self.endpoint.register(account(**changes), self.now_ns)
        self.pump()
        assert self.state() == "trying"

    def state(self) -> str:
        found = self.endpoint.registration("viettel")
        return found.state if found is not None else "gone"

    def states(self) -> list[tuple[str, int]]:
        """(state, code) of every event since the last call of this."""
        told = self.told()
        assert all(isinstance(event, Registration) for event in told)
        return [(e.state, e.code) for e in told if isinstance(e, Registration)]

    def answer(self, code: int = 200, extra: str = "", **options: str) -> None:
        """The registrar's answer to the last request."""
        source = self.sent[-1].target
        self.receive(reply(self.last(), code, contact="", extra=extra, **options), source)

    def grant(self, expires_s: int = 600, extra: str = "") -> None:
        sent = self.last().get_all("Contact")[0].decode().partition(";expires")[0]
        self.answer(200, f"Contact: {sent};expires={expires_s}\r\n{extra}")

    def next(self, ms: int) -> tuple[float, Message]:
        """The next request of its own accord, and after how many seconds; time stops there."""
        start_ns, before = self.now_ns, len(self.sent)
        while len(self.sent) == before:
            due_ns = self.endpoint.deadline_ns()
            assert due_ns is not None
            assert due_ns <= start_ns + ms * MS, f"nothing within {ms} ms"
            self.now_ns = max(self.now_ns, due_ns)
            self.endpoint.tick(self.now_ns)
            self.pump()
        assert self.last().method == "REGISTER"
        return (self.now_ns - start_ns) / SECOND, self.last()
