"""What an endpoint asks outside of calls: single requests, and accounts kept registered."""

from __future__ import annotations

from sip.accounts.asking import Asker, Asking
from sip.accounts.auth import DigestClient
from sip.accounts.registrant import Registrant
from sip.errors import SipError
from sip.events import Account, Ask, Registration
from sip.limits import ACCOUNTS_MAX, ASKS_MAX
from sip.transactions.table import Transactions


class Accounts:
    """The tables of both."""

    __slots__ = ("_asked", "_asks", "_layer", "_registrants")

    def __init__(self, layer: Transactions) -> None:
        self._layer = layer
        self._asks: set[Asking] = set()
        self._asked: set[int] = set()  # the numbers of those that are not the stack's own
        self._registrants: dict[str, Registrant] = {}

    def ask(
        self,
        ask: Ask,
        now_ns: int,
        user: Asker | None = None,
        digest: DigestClient | None = None,
    ) -> None:
        """Ask; the `Told` goes to `user` when there is one, else out.

        `digest` is what an asker keeps from one request to the next; without it, the credentials
        are this request's alone. SipError when a field cannot stand in a message, or the number is
        in use.
        """
        if user is None and ask.number in self._asked:
            raise SipError(f"the number {ask.number} is in use")
        if digest is None and ask.credentials is not None:
            digest = DigestClient(ask.credentials)
        asking = Asking(self._layer, ask, digest, user, self._told)
        if len(self._asks) >= ASKS_MAX:
            self._layer.count["overload"] += 1
            asking.overloaded(now_ns)
            return
        self._asks.add(asking)
        if user is None:
            self._asked.add(ask.number)
        asking.begin(now_ns)

    def _told(self, asking: Asking) -> None:
        self._asks.discard(asking)
        if asking.user is None:
            self._asked.discard(asking.ask.number)

    def register(self, account: Account, now_ns: int) -> None:
        """Begin a registration, or change it; SipError when it cannot be."""
        old = self._registrants.get(account.name)
        if old is None and len(self._registrants) >= ACCOUNTS_MAX:
            raise SipError(f"more than {ACCOUNTS_MAX} accounts")
        new = Registrant(account, self._layer, self.ask, self._forget)
        if old is not None and old.address() == new.address():
            old.change(account, now_ns)
            return
        if old is not None:
            old.stop(now_ns)
        self._registrants[account.name] = new
        new.begin(now_ns)

    def unregister(self, name: str, now_ns: int) -> None:
        """End a registration."""
        found = self._registrants.get(name)
        if found is not None:
            found.stop(now_ns)

    def _forget(self, registrant: Registrant) -> None:
        name = registrant.account.name
        if self._registrants.get(name) is registrant:
            del self._registrants[name]

    def shown(self, name: str) -> Registration | None:
        """The state of one."""
        found = self._registrants.get(name)
        return found.shown() if found is not None else None

    def sizes(self) -> dict[str, int]:
        """How many of each there are."""
        return {"asks": len(self._asks), "accounts": len(self._registrants)}
