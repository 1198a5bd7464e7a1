"""What the commands about users, tokens and the audit log share: the admin store of a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from admin_http import tokens
from admin_http.people import audit
from admin_http.people.directory import UserError
from admin_http.people.store import AdminStore, Txn
from admin_http.tokens import TokenError, utc_now
from dialerd.cli.common import load_config, who
from dialerd.cli.errors import FailedError

T = TypeVar("T")


@contextlib.contextmanager
def opened(config_path: str | None) -> Iterator[AdminStore]:
    """The admin store, beside a running HTTP process or not; FailedError for what is refused."""
    data = load_config(config_path).store.path
    store = AdminStore(data)
    try:
        tokens.take_over(store, data)
        yield store
    except (TokenError, UserError) as error:
        raise FailedError(str(error)) from None
    finally:
        store.close()


def change(store: AdminStore, what: str, work: Callable[[Txn], T], detail: str = "") -> T:
    """Do something and keep in the audit log, in the same commit, who did it."""

    def both(txn: Txn) -> T:
        done = work(txn)
        audit.note(txn, utc_now(), who(), f"dialerd {what}", detail=detail)
        return done

    return store.write(both)
