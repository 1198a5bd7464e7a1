"""The message writer's slow twin: one format string each."""

from __future__ import annotations

import re

CALL_ID = re.compile(
    r"[\w\-.!%*+`'~()<>:\\\"/\[\]?{}]+(@[\w\-.!%*+`'~()<>:\\\"/\[\]?{}]+)?", re.ASCII
)


def request(
    method, uri, via, branch, sender, to, call_id, cseq, extra, body=b"", kind=b"application/sdp",
    routes=b"",
) -> bytes:  # fmt: skip
    return (
        b"%b %b SIP/2.0\r\n%b%b\r\nMax-Forwards: 70\r\n%b"
        b"From: %b\r\nTo: %b\r\nCall-ID: %b\r\nCSeq: %d %b\r\n%b%b"
        % (method, uri, via, branch, routes, sender, to, call_id, cseq, method, extra,
           tail(body, kind))
    )  # fmt: skip


def response(code, phrase, head, to, extra=b"", body=b"", kind=b"application/sdp") -> bytes:
    line = b"SIP/2.0 %d %b\r\n" % (code, phrase)
    return line + head + b"To: " + to + b"\r\n" + extra + tail(body, kind)


def tail(body: bytes, kind: bytes) -> bytes:
    if not body:
        return b"Content-Length: 0\r\n\r\n"
    return b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)


def line_text(value: str, most: int) -> bytes | None:
    if len(value) > most or re.search(r"[\x00-\x1f\x7f]", value):
        return None
    try:
        return value.encode()
    except UnicodeEncodeError:
        return None


def call_id_text(value: str, most: int) -> bytes | None:
    return value.encode() if len(value) <= most and CALL_ID.fullmatch(value) else None
