"""The slow twin of `fastpath.sipscan`: RFC 3261 section 25 as regular expressions, nothing shared.

`judge` gives what the scanner should find in a datagram, or the status it should refuse it with.
"""

from __future__ import annotations

import re
import socket
from typing import Any

LWS = r"[ \t]*"
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"
QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x00-\x09\x0b\x0c\x0e-\x7f])*"'
ESCAPED = "%[0-9A-Fa-f]{2}"
USER = rf"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|{ESCAPED})+"
PASSWORD = rf"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|{ESCAPED})*"
HOST = r"(?:\[[^\]]*\]|[A-Za-z0-9\-._]+)"
PARAM = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|{ESCAPED})+"
HNV = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$]|{ESCAPED})"
SIP_URI = re.compile(
    rf"(?P<scheme>[sS][iI][pP][sS]?):(?:(?P<user>{USER})(?::{PASSWORD})?@)?"
    rf"(?P<host>{HOST})(?::(?P<port>[0-9]+))?(?P<params>(?:;{PARAM}(?:={PARAM})?)*)"
    rf"(?P<headers>\?{HNV}+={HNV}*(?:&{HNV}+={HNV}*)*)?"
)
ANY_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+\-.]*:(?:[A-Za-z0-9\-_.!~*'();/?:@&=+$,]|{ESCAPED})+")
WORD = r"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}]+"
GENERIC = re.compile(
    rf"{LWS};{LWS}(?P<name>{TOKEN})(?:{LWS}={LWS}(?P<value>{QUOTED}|\[[^\]]*\]|{TOKEN}))?"
)
VIA_PARAM = re.compile(
    rf"{LWS};{LWS}(?P<name>{TOKEN})(?:{LWS}={LWS}(?P<value>{QUOTED}|\[[^\]]*\]|(?![\[\x22]){WORD}))?"
)
VIA_HEAD = re.compile(
    rf"{LWS}{TOKEN}{LWS}/{LWS}{TOKEN}{LWS}/{LWS}{TOKEN}[ \t]+"
    rf"(?P<host>{HOST})(?:{LWS}:{LWS}(?P<port>[0-9]+))?"
)
DISPLAY = re.compile(rf"{LWS}(?:{QUOTED}{LWS}|[A-Za-z0-9\-.!%*_+`'~ \t]*)<")
DATE = re.compile(r"[A-Za-z]{3}, \d\d [A-Za-z]{3} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)
MEDIA = re.compile(
    rf"{TOKEN}{LWS}/{LWS}{TOKEN}(?:{LWS};{LWS}{TOKEN}{LWS}={LWS}(?:{QUOTED}|\[[^\]]*\]|{TOKEN}))*{LWS}"
)
SINGLE = {
    "from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "expires",
    "retry-after", "date",
}  # fmt: skip
LONG = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "e": "content-encoding",
}  # fmt: skip


class RefusedError(Exception):
    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


def need(found: Any) -> Any:
    if not found:
        raise RefusedError
    return found


def host_ok(host: str) -> bool:
    if host.startswith("["):
        return ipv6_ok(host[1:-1])
    labels = host.removesuffix(".").split(".")
    if re.fullmatch(r"[0-9.]+", host):
        parts = host.split(".")
        return len(parts) == 4 and all(p and len(p) <= 3 and int(p) <= 255 for p in parts)
    return all(x and x[0] != "-" for x in labels) and all(x[-1] != "-" for x in labels)


def ipv6_ok(text: str) -> bool:
    if len(text) > 45 or "\0" in text:
        return False
    try:
        socket.inet_pton(socket.AF_INET6, text.encode("latin-1").decode("ascii"))
    except (OSError, UnicodeDecodeError):
        return False
    return True


def number(text: str, top: int) -> int:
    need(re.fullmatch(r"[0-9]+", text))
    need(len(text.lstrip("0")) <= 20 and int(text) <= top)
    return int(text)


def uri(text: str) -> dict[str, Any]:
    scheme = need(re.match(r"([A-Za-z][A-Za-z0-9+\-.]*):", text))[1].lower()
    if scheme not in {"sip", "sips"}:
        need(ANY_URI.fullmatch(text))
        return {"scheme": scheme if scheme == "tel" else "", "user": "", "headers": None}
    m = need(SIP_URI.fullmatch(text))
    need(host_ok(m["host"]))
    port = number(m["port"], 65535) if m["port"] else -1
    return {
        "scheme": scheme, "user": m["user"] or "", "host": m["host"], "port": port,
        "headers": m["headers"],
    }  # fmt: skip


def value_ok(value: str | None) -> None:
    if value is not None and value.startswith("["):
        need(ipv6_ok(value[1:-1]))


def addresses(text: str, *, bracketed: bool = False, one: bool = False) -> list[dict[str, Any]]:
    out = []
    at = 0
    while True:
        display = DISPLAY.match(text, at)
        if display:
            end = need(text.find(">", display.end()) + 1)
            raw, at = text[display.end() : end - 1], end
        else:
            need(not bracketed)
            at = re.compile(LWS).match(text, at).end()
            stop = re.compile(r"[^ \t;,]*").match(text, at).end()
            raw, at = text[at:stop], stop
            need("?" not in raw)
        found = {"uri": raw, "parts": uri(raw), "tag": ""}
        tagged = False
        while p := GENERIC.match(text, at):
            at = p.end()
            value_ok(p["value"])
            if p["name"].lower() == "tag" and not tagged:
                need(p["value"] and p["value"][0] not in '"[')
                found["tag"], tagged = p["value"], True
        out.append(found)
        at = re.compile(LWS).match(text, at).end()
        if at == len(text):
            return out
        need(text[at] == "," and not one)
        at += 1


def vias(text: str) -> list[dict[str, Any]]:
    out = []
    at = 0
    while True:
        head = need(VIA_HEAD.match(text, at))
        need(host_ok(head["host"]))
        port = number(head["port"], 65535) if head["port"] else -1
        at = head.end()
        found = {"host": head["host"], "port": port, "branch": "", "rport": False}
        branched = False
        while p := VIA_PARAM.match(text, at):
            at = p.end()
            name, value = p["name"].lower(), p["value"]
            value_ok(value)
            if name == "received":
                m = re.fullmatch(rf"({HOST})(?::([0-9]+))?", need(value))
                if not ipv6_ok(value):
                    need(m and host_ok(m[1]))
                    if m[2]:
                        number(m[2], 65535)
                continue
            if value is not None:
                need(value[0] in '"[' or re.fullmatch(TOKEN, value))
            if name == "branch" and not branched and value is not None:
                found["branch"], branched = value, True
            elif name == "rport":
                found["rport"] = True
                if value is not None:
                    number(value, 65535)
        out.append(found)
        at = re.compile(LWS).match(text, at).end()
        if at == len(text):
            return out
        need(text[at] == ",")
        at += 1


def request_line(line: str) -> dict[str, Any]:
    m = need(re.fullmatch(rf"({TOKEN}) ([^ ]+) ([sS][iI][pP]/[0-9]+\.[0-9]+)", line, re.DOTALL))
    if m[3][4:] != "2.0":
        raise RefusedError(505)
    parts = uri(m[2])
    need(not parts["headers"])
    return {"method": m[1], "uri": m[2], "uri_scheme": parts["scheme"], "uri_user": parts["user"]}


def status_line(line: str) -> dict[str, Any]:
    m = need(re.fullmatch(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", line, re.DOTALL))
    return {"status": int(m[1]), "phrase": m[2] or ""}


def field(name: str, value: str, out: dict[str, Any]) -> None:
    if name in {"from", "to"}:
        out[name] = addresses(value, one=True)[0] | {"value": value}
    elif name == "call-id":
        need(re.fullmatch(rf"{WORD}(@{WORD})?", value))
        out[name] = value
    elif name == "cseq":
        m = need(re.fullmatch(rf"([0-9]+)[ \t]+({TOKEN})", value))
        out[name] = (number(m[1], 2**31 - 1), m[2])
    elif name in {"max-forwards", "content-length", "expires"}:
        top = {"max-forwards": 255, "content-length": 65535, "expires": 2**32 - 1}[name]
        out[name] = number(value, top)
    elif name == "retry-after":
        m = need(re.match(r"([0-9]+)(?=[ \t;(]|$)", value))
        out[name] = number(m[1], 2**32 - 1)
    elif name == "content-type":
        need(MEDIA.fullmatch(value))
        out[name] = value
    elif name == "contact":
        out["contacts"] += addresses(value)
    elif name == "date":
        need(DATE.fullmatch(value))
    elif name == "warning":
        need(re.match(r"[0-9]{3} ", value))


# A broken one of these is refused in a request, and as good as absent in a response.
FORGIVEN = frozenset(
    {"max-forwards", "expires", "retry-after", "date", "warning", "contact", "content-type"}
)
TWICE = frozenset({"max-forwards", "expires", "content-type"})  # the first one counts there


def read_fields(lines: list[str], *, response: bool) -> dict[str, Any]:
    out: dict[str, Any] = {"vias": [], "contacts": [], "star": False, "routes": 0, "problem": 0}
    seen: set[str] = set()
    lost = False
    for line in lines:
        m = need(re.match(rf"({TOKEN})[ \t]*:[ \t]*", line))
        value = line[m.end() :].rstrip(" \t")
        name = LONG.get(m[1].lower(), m[1].lower())
        if name == "via":
            out["vias"] += vias(value)
        elif name == "contact" and value == "*":
            out["star"] = True
        elif name in {"route", "record-route"}:
            try:
                n = len(addresses(value, bracketed=True))
            except RefusedError:
                need(response)
                lost, n = lost or name == "record-route", 0
            out["routes"] += n if name == "record-route" else 0
        elif name in SINGLE and name in seen:
            if not (response and name in TWICE):
                out["problem"] = 400
        else:
            try:
                field(name, value, out)
            except RefusedError:
                need(response and name in FORGIVEN)
        seen.add(name)
    if lost:  # all of them: one empty value
        out["routes"] = 1
    return out


def judge(data: bytes) -> dict[str, Any]:
    """The scanner's findings; RefusedError otherwise."""
    text = data.decode("latin-1")
    need(len(text) <= 65535)
    while text.startswith("\r\n"):
        text = text[2:]
    first = need(re.match(r"([^\r\n]*)\r\n", text))
    need(len(first[1]) <= 8191)
    start = (status_line if first[1].startswith("SIP/") else request_line)(first[1])
    head_end = need(re.compile(r"\r\n\r\n").search(text, first.end() - 2))
    head, body = text[first.end() : head_end.start() + 2], text[head_end.end() :]
    need(not head.startswith((" ", "\t")))
    head = re.sub(r"\r\n(?=[ \t])", "  ", head)
    need("\r" not in head.replace("\r\n", "") and "\n" not in head.replace("\r\n", ""))
    lines = head.split("\r\n")[:-1]
    need(len(lines) <= 256 and all(len(x) <= 8191 for x in lines))
    out = read_fields(lines, response="status" in start) | start
    need("status" in out or not (out["star"] and out["contacts"]))
    if not out["vias"] or not {"from", "to", "call-id", "cseq"} <= out.keys():
        out["problem"] = 400
    if "method" in out and "cseq" in out:
        need(out["cseq"][1] == out["method"])
    length = out.get("content-length", len(body))
    need(length <= len(body))
    out["body"] = body[:length]
    return out


def judge_or_status(data: bytes) -> dict[str, Any] | int:
    """The same, with the status of a refusal in its place."""
    try:
        return judge(data)
    except RefusedError as refused:
        return refused.status
