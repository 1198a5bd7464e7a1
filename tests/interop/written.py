"""Scenarios for SIPp written as lists of steps: the called side, for peers that nobody recorded."""

from __future__ import annotations

from pathlib import Path

import msgspec

_HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="written">\n'
_KEPT = ("via", "from", "to", "cseq")
_PHRASES = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 486: "Busy Here"}
SDP = """\
v=0
o=gw 1 {version} IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio {port} RTP/AVP 8 101
a=rtpmap:101 telephone-event/8000
a={direction}
"""


def description(port: str = "[media_port]", version: int = 1, direction: str = "sendrecv") -> str:
    """What the peer says of its audio."""
    return SDP.format(port=port, version=version, direction=direction)


class Step(msgspec.Struct, frozen=True):
    """A piece of the scenario, as SIPp reads it."""

    xml: str


def _regexp(pattern: str, name: str, header: str, *, check: bool = False) -> str:
    must = ' check_it="true"' if check else ""
    return (
        f'<ereg regexp="{pattern}" search_in="hdr" header="{header}:"{must} assign_to="{name}"/>\n'
    )


def invited(**headers: str) -> Step:
    """An INVITE comes; what its answers repeat is kept. `headers` must match."""
    kept = "".join(_regexp(".*", name, name.title().replace("Cseq", "CSeq")) for name in _KEPT)
    kept += _regexp("sip:[^&gt;]*", "uri", "Contact") + _matches(headers)
    return Step(f'<recv request="INVITE"><action>{kept}</action></recv>')


def _matches(headers: dict[str, str]) -> str:
    pairs = ((name.replace("_", "-"), pattern) for name, pattern in headers.items())
    return "".join(_regexp(pattern, "seen", name, check=True) for name, pattern in pairs)


def comes(method: str, *, optional: bool = False, **headers: str) -> Step:
    """Another request comes; `headers` must match."""
    may = ' optional="true"' if optional else ""
    action = f"<action>{_matches(headers)}</action>" if headers else ""
    return Step(f'<recv request="{method}"{may}>{action}</recv>')


def answered(code: int, **headers: str) -> Step:
    """Our request is answered."""
    action = f"<action>{_matches(headers)}</action>" if headers else ""
    return Step(f'<recv response="{code}">{action}</recv>')


def says(
    code: int,
    body: str = "",
    *,
    tag: str = "gw",
    lines: str = "",
    contact: str = "<sip:gw@[local_ip]:[local_port]>",
    kind: str = "application/sdp",
) -> Step:
    """An answer to the INVITE."""
    head = f"SIP/2.0 {code} {_PHRASES.get(code, 'Because')}\nVia:[$via]\nFrom:[$from]\n"
    head += f"To:[$to]{';tag=' + tag if code > 100 else ''}\n[last_Call-ID:]\nCSeq:[$cseq]\n"
    head += f"Contact: {contact}\n" if contact else ""
    return _send(head + lines, body, kind)


def agrees(code: int = 200, lines: str = "", body: str = "") -> Step:
    """An answer to the last request, whatever it was."""
    head = (
        f"SIP/2.0 {code} {_PHRASES.get(code, 'Because')}\n[last_Via:]\n[last_From:]\n[last_To:]\n"
    )
    return _send(head + "[last_Call-ID:]\n[last_CSeq:]\n" + lines, body)


def asks(method: str, cseq: int = 1, body: str = "", *, tag: str = "gw", lines: str = "") -> Step:
    """A request in the dialog."""
    return _send(
        f"{method} [$uri] SIP/2.0\nVia: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n"
        f"From:[$to];tag={tag}\nTo:[$from]\n[last_Call-ID:]\nCSeq: {cseq} {method}\n"
        f"Contact: <sip:gw@[local_ip]:[local_port]>\nMax-Forwards: 70\n{lines}",
        body,
    )


def _send(head: str, body: str, kind: str = "application/sdp") -> Step:
    kinds = f"Content-Type: {kind}\nContent-Length: [len]\n" if body else "Content-Length: 0\n"
    return Step(f"<send><![CDATA[\n\n{head}{kinds}\n{body}\n]]></send>")


def waits(ms: int) -> Step:
    """Nothing happens."""
    return Step(f'<pause milliseconds="{ms}"/>')


def write(path: Path, *steps: Step) -> str:
    """The scenario as a file; its name without the suffix, for `sipp`."""
    text = "\n".join(step.xml for step in steps)
    kept = [name for name in (*_KEPT, "uri", "seen") if f'assign_to="{name}"' in text]
    text += f'\n<Reference variables="{",".join(kept)}"/>\n</scenario>\n'
    path.with_suffix(".xml").write_text(_HEAD + text)
    return str(path)
