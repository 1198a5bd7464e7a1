"""Calls in which a REFER has been sent, by us or by the peer."""

from __future__ import annotations

from itertools import count

from fastpath.sipscan import Message
from tests.sip.net import (
    Us,
    answered,
    request,
)

SERIAL = count(1)
BOB = "sip:bob@192.0.2.9"


def inside(
    us: Us, call: Message, method: str, extra: str = "", body: bytes = b"", cseq: int = 0
) -> Message | None:
    """A request of the called side in our call; the answer to it, None when there is none yet."""
    number = cseq or next(SERIAL)
    before = len(us.sent)
    us.receive(
        request(
            method,
            branch=f"z9hG4bKin{next(SERIAL)}",
            call_id=call.call_id.decode(),
            from_tag="them",
            to=f"<sip:1900@192.0.2.1>;tag={call.from_tag.decode()}",
            cseq=number,
            extra=extra,
            body=body,
            kind="message/sipfrag;version=2.0",
        )
    )
    answers = [m for m in us.take() if not m.is_request] if len(us.sent) > before else []
    return answers[0] if answers else None


def told(us: Us, call: Message, status: str, state: str = "active;expires=60", ident: str = ""):
    extra = f"Event: refer{ident}\r\nSubscription-State: {state}\r\n"
    answer = inside(us, call, "NOTIFY", extra, f"SIP/2.0 {status}\r\n".encode())
    assert answer is not None
    return answer.status


def referring(**options: object) -> tuple[Us, Message, Message]:
    """A call of ours that is up, and the REFER that we sent in it."""
    us = Us()
    call = answered(us)
    us.endpoint.refer(1, BOB, us.now_ns, **options)  # type: ignore[arg-type]
    us.pump()
    [sent] = us.take()
    return us, call, sent


def asked(extra: str = f"Refer-To: <{BOB}>\r\n", us: Us | None = None) -> tuple[Us, Message]:
    """A call of ours that is up, in which the peer sent a REFER that waits for our answer."""
    us = us or Us()
    call = answered(us)
    assert inside(us, call, "REFER", extra, cseq=300) is None
    return us, call


def taken() -> tuple[Us, Message, Message]:
    """The same, taken: the first NOTIFY."""
    us, call = asked()
    us.told()
    us.endpoint.refer_answer(1, 200, us.now_ns)
    us.pump()
    accepted, notify = us.take()
    assert (accepted.status, notify.method) == (202, "NOTIFY")
    return us, call, notify
