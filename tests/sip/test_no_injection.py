"""No text that a user of the endpoint gives can leave its field: CR, LF and NUL never get out.

The fields are found by looking: each parameter of each public method of the endpoint, each field of
the structs that they take. What is new is tried without being named here, or the test fails until
it can be.
"""

from __future__ import annotations

import contextlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.accounts.auth import Credentials
from sip.endpoint import Endpoint
from sip.errors import SipError
from sip.events import Account, Ask
from sip.messages.causes import Reason
from sip.transport.local import Local
from tests.sip.callee import OURS, ring_in
from tests.sip.net import ANSWER, OFFER, THEM, Us, answered, invite, read, reply, request
from tests.sip.transfers import asked

OUTSIDE = {  # methods that take nothing from a user, or nothing that is ever written
    "deadline_ns", "description", "drain", "named", "receive", "registration", "remove",
    "statistics", "tick", "unreachable",
}  # fmt: skip
SECRET = Credentials("account", "secret")
ASK = Ask(1, "OPTIONS", (THEM,), "sip:h", "sip:a@h", "sip:h", "ask@h", credentials=SECRET)
ACCOUNT = Account("carrier", "sip:1900@h", "sip:h", (THEM,), SECRET)


def _ringing(us: Us) -> None:
    ring_in(us)


def _up(us: Us) -> None:
    answered(us)


def _two_up(us: Us) -> None:
    answered(us)
    us.receive(reply(us.invite(leg=2), 200, body=ANSWER))


def _asked(us: Us) -> None:
    asked(us=us)


def _taken(us: Us) -> None:
    asked(us=us)
    us.endpoint.refer_answer(1, 202, us.now_ns)
    us.pump()
    us.receive(reply(us.last(), 200))


def _offered(us: Us) -> None:
    us.receive(reply(us.invite(sdp=b""), 200, body=OFFER))


def _registered(us: Us) -> None:
    us.endpoint.register(ACCOUNT, us.now_ns)


def _nothing(us: Us) -> None:
    """As it is."""


# For each method: what has happened before, and arguments that are right.
METHODS: dict[str, tuple[Callable[[Us], None], dict[str, object]]] = {
    "accept": (_ringing, {"leg": -1, "sdp": OURS}),
    "acknowledge": (_offered, {"leg": 1, "sdp": ANSWER}),
    "ask": (_nothing, {"ask": ASK}),
    "digit": (_up, {"leg": 1, "digit": "5", "ms": 100}),
    "invite": (_nothing, {"request": invite(7, credentials=SECRET)}),
    "modify": (_up, {"leg": 1, "sdp": OFFER}),
    "refer": (_two_up, {"leg": 1, "refer_to": "sip:bob@h", "replaces": 2}),
    "refer_answer": (_asked, {"leg": 1, "code": 202}),
    "refer_notify": (_taken, {"leg": 1, "code": 180}),
    "register": (_nothing, {"account": ACCOUNT}),
    "reject": (_ringing, {"leg": -1, "code": 486}),
    "release": (_up, {"leg": 1}),
    "ring": (_ringing, {"leg": -1}),
    "unregister": (_registered, {"name": "carrier"}),
}


def bent(kind: object, value: object, text: str) -> Iterator[object]:
    """Values of a type with `text` in one of the places where text can stand."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is str or origin is typing.Literal:
        yield text
        if isinstance(value, str):
            yield value + text
            yield value[:5] + text + value[5:]
    elif origin in (typing.Union, types.UnionType):
        for one in args:
            yield from bent(one, value, text)
    elif origin is tuple:
        inner = args[:1] if args[-1] is Ellipsis else args
        plain = [v for v in (value or ()) if isinstance(value, tuple)]
        for i, one in enumerate(inner):
            for piece in bent(one, plain[i] if i < len(plain) else None, text):
                if args[-1] is Ellipsis:
                    yield (piece,)
                    continue
                rest = [*plain, *map(_usual, inner[len(plain) :])]
                yield (*rest[:i], piece, *rest[i + 1 :])
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        base = value if isinstance(value, kind) else _usual(kind)
        hints = typing.get_type_hints(kind)
        for name in kind.__struct_fields__:
            for piece in bent(hints[name], getattr(base, name), text):
                with contextlib.suppress(SipError):
                    yield msgspec.structs.replace(base, **{name: piece})
    else:
        written_as_it_is = (bytes, int, float, bool, type(None))
        assert kind in written_as_it_is, f"teach this test what a {kind} is"


def _usual(kind: object) -> object:
    return {str: "X-Usual", int: 5060, Reason: Reason("SIP", 200), Credentials: SECRET}[kind]  # type: ignore[index]


def places() -> list[tuple[str, str]]:
    """(method, parameter) of everything that takes text, deep inside or at once."""
    found = []
    for name, method in inspect.getmembers(Endpoint, callable):
        if name.startswith("_") or name in OUTSIDE:
            continue
        right = METHODS[name][1] if name in METHODS else {}
        for parameter, kind in typing.get_type_hints(method).items():
            if parameter != "return" and any(bent(kind, right.get(parameter), "x")):
                assert name in METHODS, f"say in METHODS how Endpoint.{name} is called rightly"
                found.append((name, parameter))
    return found


def go_on(us: Us) -> None:
    """Bring what waits to its end: challenged, ringing, answered, transferred, hung up."""
    for code in (407, 180, 200):
        us.pump()
        for sent in [read(s.data) for s in us.sent[-3:]]:
            if sent.is_request and sent.method not in {"ACK", "CANCEL"}:
                extra = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'
                us.receive(reply(sent, code, body=ANSWER, extra=extra if code == 407 else ""))
    for leg in (1, 7, -1):
        us.endpoint.refer(leg, "sip:bob@h", us.now_ns)
        us.endpoint.release(leg, us.now_ns)
    us.run(100)


def check_heads(us: Us, text: str) -> None:
    for sent in us.sent:
        head = sent.data.partition(b"\r\n\r\n")[0]
        assert not re.search(rb"\0|\r(?!\n)|(?<!\r)\n", head), text
        assert b"\nInjected" not in head, text


HARM = st.tuples(
    st.sampled_from(["", "x", "sip:a@h", '"', "\\", ">", ";"]),
    st.sampled_from(["\r\n", "\n", "\r", "\0", "\r\n\r\n", "\r\n ", "\u2028", "\x85", "\udc0a"]),
    st.sampled_from(["Injected: 1", "", "<sip:a@h>", "INVITE sip:a@h SIP/2.0\r\nInjected: 1"]),
).map("".join)


@pytest.mark.parametrize(("method", "parameter"), places())
@settings(max_examples=12, deadline=None)
@given(HARM)
def test_no_text_of_a_user_makes_a_line(method: str, parameter: str, text: str):
    before, right = METHODS[method]
    kind = typing.get_type_hints(getattr(Endpoint, method))[parameter]
    for value in bent(kind, right.get(parameter), text):
        us = Us()
        before(us)
        us.pump()
        try:
            getattr(us.endpoint, method)(**right | {parameter: value}, now_ns=us.now_ns)
        except SipError:
            continue
        go_on(us)
        check_heads(us, text)


@settings(max_examples=30, deadline=None)
@given(HARM)
def test_no_text_of_the_endpoint_itself_makes_a_line(text: str):
    hints = typing.get_type_hints(Local)
    local = Local("192.0.2.1", 5060)
    made = [("", value) for value in bent(Local, local, text)]
    made += [(text, local)]
    assert set(hints) == set(Local.__struct_fields__)
    for agent, one in made:
        us = Us()
        try:
            us.endpoint = Endpoint(one, rng=us.endpoint.layer.rng, user_agent=agent)
            us.endpoint.invite(invite(), us.now_ns)
        except SipError:
            continue
        us.pump()
        check_heads(us, text)


def test_every_place_is_found():
    found = set(places())
    assert {("invite", "request"), ("reject", "phrase"), ("refer", "refer_to")} <= found
    assert {("release", "reasons"), ("ask", "ask"), ("register", "account")} <= found
    assert len(list(bent(type(ASK), ASK, "x"))) > 20


def test_what_is_sent_is_looked_at():
    us = Us()
    us.endpoint.invite(invite(), us.now_ns)
    us.pump()
    us.sent[0] = msgspec.structs.replace(us.sent[0], data=b"A\r\nInjected: 1\r\n\r\n")
    with pytest.raises(AssertionError):
        check_heads(us, "")
    assert request("OPTIONS")
