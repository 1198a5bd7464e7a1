"""What reads a peer's text reads it once: twice the length is twice the time, never four times.

Each text here is far longer than a message can be. A pattern that begins anew at each character
takes minutes for it and ends by the test's time limit; the others are through at once.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fastpath.sipscan import scan
from sip.accounts import auth
from sip.calls import info, session_timer
from sip.messages import address, multipart
from sip.messages.causes import reasons
from sip.messages.contacts import elements
from tests.sip.net import request

SHORT, LONG = 20, 2_000_000


def escapes(length: int) -> str:
    return '"' + '\\"' * (length // 2)


@pytest.mark.parametrize(
    "read",
    [
        lambda n: address.split("<" * n),
        lambda n: address.split(escapes(n)),
        lambda n: elements("<" * n),
        lambda n: elements(escapes(n)),
        lambda n: address.params_of(" " * n),
        lambda n: address.params_of(";a" + " " * n),
        lambda n: address.params_of(";" + " " * n),
        lambda n: address.params_of(";a=[" * (n // 4)),
        lambda n: reasons([f"Q.850{' ' * n}x"]),
        lambda n: address._NAMED.match(" " * n),
        lambda n: address._NAMED.match('"a"' + " " * n),
        lambda n: info._SIGNAL.search(b"\n" * n),
        lambda n: info._DURATION.search(b"\n" * n),
        lambda n: session_timer._REFRESHER.search(b" " * n),
        lambda n: multipart._BOUNDARY.search(b"; " * (n // 2)),
        lambda n: multipart._KIND.search(b"\n" * n),
        lambda n: auth.split("digest " + "a" * n),
        lambda n: auth.split(" " * n),
    ],
)
def test_no_text_is_read_again_and_again(read: Callable[[int], object]) -> None:
    assert bool(read(LONG)) == bool(read(SHORT))


def test_what_is_not_closed_takes_the_rest() -> None:
    assert address.split('<sip:a@h>, "b, <sip:c@h>') == ["<sip:a@h>", '"b, <sip:c@h>']
    assert address.split("<sip:a@h>, <sip:b@h, <sip:c@h") == ["<sip:a@h>", "<sip:b@h, <sip:c@h"]


def test_a_key_stands_on_a_line_of_its_own() -> None:
    def key(body: bytes) -> tuple[str, int] | None:
        return info._key(scan(request("INFO", body=body, kind="application/dtmf-relay")))

    assert key(b"\r\n\r\n Signal\t= 5 \r\nDuration=\t90\r\n") == ("5", 90)
    assert key(b"Signal=\r\n5\r\n") is None
    assert key(b"Signal=5\r\nDuration=\r\n90\r\n") == ("5", info.DIGIT_MS)
