"""Messages of our own for the scanner: one per rule, and which way each is judged."""

from __future__ import annotations

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def message(
    start: str = "OPTIONS sip:bob@example.com SIP/2.0", body: bytes = b"", **lines: str | None
) -> bytes:
    """A message whose headers may be replaced (underscores for hyphens), or left out with None."""
    method = start.split(" ", maxsplit=1)[0]
    fields: dict[str, str | None] = {
        "Via": "SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK77;rport",
        "From": '"A. Caller" <sip:alice@example.com>;tag=a1',
        "To": "<sip:bob@example.com>",
        "Call_ID": "c1@192.0.2.2",
        "CSeq": f"1 {method}" if not method.startswith("SIP/") else "1 INVITE",
        "Max_Forwards": "70",
        "Contact": "<sip:alice@192.0.2.2:5062>",
    }
    extra = lines.pop("raw", None)
    fields.update(lines)
    head = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in fields.items() if v is not None)
    if extra:
        head += extra
    if body:
        head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
    return f"{start}\r\n{head}\r\n".encode("latin-1") + body


INVITE = message("INVITE sip:+84901234567@gw.example.com;user=phone SIP/2.0", SDP)
OK = message("SIP/2.0 200 OK", SDP, To="<sip:bob@example.com>;tag=b1")

VALID: dict[str, bytes] = {
    "plain": message(),
    "invite": INVITE,
    "ok": OK,
    "leading empty lines": b"\r\n\r\n" + message(),
    "compact": b"OPTIONS sip:b@h SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:sip:a@h;tag=1\r\n"
    b"t:sip:b@h\r\ni:x\r\nCSeq:1 OPTIONS\r\nl:0\r\n\r\n",
    "folded": message(To="\r\n  <sip:bob@example.com>\r\n\t;x\r\n =\r\n y"),
    "two vias in a line": message(Via="SIP/2.0/UDP a:1;branch=z9hG4bK1 , SIP / 2.0 / TCP b"),
    "two via lines": message(raw="Via: SIP/2.0/TLS [2001:db8::1]:5061;received=192.0.2.9\r\n"),
    "bare ipv6 in received": message(Via="SIP/2.0/UDP h;received=2001:db8::9:255;branch=z9hG4bK2"),
    "rport with a value": message(Via="SIP/2.0/UDP h;rport=5070;received=192.0.2.1"),
    "port zero-padded": message("OPTIONS sip:b@h:05060 SIP/2.0"),
    "tel": message("OPTIONS tel:+84901234567;phone-context=x SIP/2.0"),
    "unknown scheme": message("OPTIONS foo.bar+x:whatever?y SIP/2.0"),
    "strange method": message("a.!%*_+`'~Z sip:b@h SIP/2.0", CSeq="1 a.!%*_+`'~Z"),
    "escaped user": message("OPTIONS sip:%00%7e;x?y&z:p%20w@h;a=%5b;b SIP/2.0"),
    "addr-spec with header parameters": message(From="sip:a@h;tag=q;x"),
    "display of tokens": message(From="Mr. J. Doe!<sip:a@h>;tag=q"),
    "quoted pairs": message(From='"a\\"\\\x00\\\x7f" <sip:a@h>;tag=q'),
    "utf-8 display": message(From='"\xe2\x82\xac" <sip:a@h>;tag=q'),
    "contact star": message(Contact="*", Expires="0"),
    "several contacts": message(Contact="<sip:a@h>;q=0.3, sip:b@h ;expires=5,\"x\" <tel:+1>"),
    "routes": message(
        Record_Route='<sip:p1;lr>;x, "p<2" <sip:p2;lr>', raw="Record-Route: <sip:p3>\r\n"
    ),
    "reason": message("BYE sip:b@h SIP/2.0", Reason='SIP ;cause=200, Q.850; cause=17 ;text="a, b"'),
    "no reason phrase": message("SIP/2.0 100"),
    "no reason phrase but the space": message("SIP/2.0 100 "),
    "odd reason phrase": message("SIP/2.0 183 \xd0\x9f\x00 \t\x7f "),
    "retry-after with comment": message("SIP/2.0 503 x", Retry_After="18 (soon);duration=3600"),
    "empty subject": message(Subject=""),
    "date": message(Date="Sat, 13 Nov 2010 23:29:00 GMT"),
    "warnings": message("SIP/2.0 488 x", Warning='305 h "x"', raw='Warning: 399 h "y"\r\n'),
    "a response's warning code": message("SIP/2.0 488 x", Warning='1812 h "x"'),
    "a response's retry-after text": message("SIP/2.0 503 x", Retry_After="soon"),
    "a response's retry-after of ages": message("SIP/2.0 503 x", Retry_After="99999999999"),
    "a response's date in another shape": message("SIP/2.0 200 x", Date="2026-11-22 16:00"),
    "a response's expires text": message("SIP/2.0 200 x", Expires="soon"),
    "a response's max-forwards": message("SIP/2.0 200 x", Max_Forwards="-1"),
    "bytes after the body": message(raw="Content-Length: 2\r\n") + b"abcdef",
    "host with underscore": message("OPTIONS sip:b@sbc_1.example.com. SIP/2.0"),
    "lower-case version": message("OPTIONS sip:b@h sip/2.0"),
    "content type with parameters": message(Content_Type='multipart/mixed ; boundary="a b" ;x=y'),
    "repeated via tag": message(Via="SIP/2.0/UDP h;branch=z9hG4bKa;branch=z9hG4bKb"),
}  # fmt: skip

PROBLEM: dict[str, bytes] = {
    "no via": message(Via=None),
    "no from": message(From=None),
    "no to": message(To=None),
    "no call-id": message(Call_ID=None),
    "no cseq": message(CSeq=None),
    "two call-ids": message(raw="Call-ID: other\r\n"),
    "two cseqs": message(raw="CSeq: 2 OPTIONS\r\n"),
    "two content-lengths": message(raw="l: 0\r\nContent-Length: 0\r\n"),
    "two max-forwards": message(raw="Max-Forwards: 3\r\n"),
}

REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "text": b"hello\r\n\r\n",
    "no end of the head": message()[:-2],
    "lone lf": message().replace(b"\r\n", b"\n"),
    "lone cr in a value": message(Subject="a\rb"),
    "lone lf in a value": message(Subject="a\nb"),
    "lone lf and a fold": message(Subject="a\n b", raw="X: y\r\n z\r\n"),
    "folded start line": message("OPTIONS\r\n sip:b@h SIP/2.0"),
    "two spaces": message("OPTIONS  sip:b@h SIP/2.0"),
    "space at the end": message("OPTIONS sip:b@h SIP/2.0 "),
    "bracketed target": message("OPTIONS <sip:b@h> SIP/2.0"),
    "target with headers": message("OPTIONS sip:b@h?a=b SIP/2.0"),
    "target with space": message("OPTIONS sip:b@h; lr SIP/2.0"),
    "no version": message("OPTIONS sip:b@h"),
    "method with a slash": message("OPT/IONS sip:b@h SIP/2.0", CSeq="1 OPTIONS"),
    "status too large": message("SIP/2.0 4294967301 OK"),
    "status of two digits": message("SIP/2.0 20 OK"),
    "status 700": message("SIP/2.0 700 x"),
    "status 099": message("SIP/2.0 099 x"),
    "other version of a response": message("SIP/3.0 200 OK"),
    "cseq method": message(CSeq="1 INVITE"),
    "cseq too large": message(CSeq="2147483648 OPTIONS"),
    "cseq huge": message(CSeq="36893488147419103232 OPTIONS"),
    "cseq without method": message(CSeq="1"),
    "max-forwards 256": message(Max_Forwards="256"),
    "negative length": message(raw="Content-Length: -1\r\n"),
    "length beyond the end": message(raw="Content-Length: 10\r\n") + b"123456789",
    "expires too large": message(Expires="4294967296"),
    "open quote": message(To='"Bob <sip:b@h>'),
    "comma in display": message(From="Doe, J <sip:a@h>;tag=1"),
    "space in brackets": message(To="< sip:b@h >"),
    "bare uri with question mark": message(Contact="sip:a@h?x=y"),
    "two in from": message(From="<sip:a@h>, <sip:b@h>"),
    "empty parameters": message(Via="SIP/2.0/UDP h;;branch=z9hG4bK1"),
    "empty contact parameters": message(Contact="<sip:a@h>;;;;"),
    "tag without value": message(From="<sip:a@h>;tag"),
    "quoted tag": message(From='<sip:a@h>;tag="x"'),
    "via without transport": message(Via="SIP/2.0 h;branch=z9hG4bK1"),
    "via with port letters": message(Via="SIP/2.0/UDP h:50x"),
    "via port too large": message(Via="SIP/2.0/UDP h:65536"),
    "route without brackets": message(Route="sip:p;lr"),
    "star and another": message(Contact="*", raw="Contact: <sip:a@h>\r\n"),
    "no user before the at": message("OPTIONS sip:@h SIP/2.0"),
    "broken escape": message("OPTIONS sip:%4x@h SIP/2.0"),
    "ipv4 part too large": message("OPTIONS sip:b@1.2.3.256 SIP/2.0"),
    "three numbers": message("OPTIONS sip:b@1.2.3 SIP/2.0"),
    "empty label": message("OPTIONS sip:b@a..b SIP/2.0"),
    "hyphen at the end of a label": message("OPTIONS sip:b@a-.b SIP/2.0"),
    "ipv6 without brackets": message("OPTIONS sip:2001:db8::1 SIP/2.0"),
    "ipv6 with three colons": message("OPTIONS sip:b@[2001:db8:::1] SIP/2.0"),
    "call-id with space": message(Call_ID="a b"),
    "call-id with two ats": message(Call_ID="a@b@c"),
    "date in another zone": message(Date="Sat, 13 Nov 2010 23:29:00 EST"),
    "date in another shape": message(Date="Sat, 3 Nov 2010 23:29:00 GMT"),
    "warning code": message(Warning='1812 h "x"'),
    "retry-after text": message(Retry_After="soon"),
    "contact without an address": message(Contact="<"),
    "expires text": message(Expires="soon"),
    "max-forwards of 256": message(Max_Forwards="256"),
    "content type without subtype": message(Content_Type="text"),
    "header without colon": message(raw="Subject\r\n"),
    "header without name": message(raw=": x\r\n"),
    "257 lines": message(raw="X: y\r\n" * 257),
    "a line of 9 KB": message(Subject="x" * 9_000),
    "a datagram of 65 KB": message(raw="Content-Length: 66000\r\n") + b"x" * 66_000,
}  # fmt: skip
