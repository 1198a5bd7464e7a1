"""A telephone's REGISTER by hand (RFC 3261 10.2, RFC 8760): afterwards SIPp answers at its port."""

from __future__ import annotations

import hashlib
import re
import socket

REQUEST = (
    "REGISTER sip:127.0.0.1:{server} SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}.{cseq}\r\n"
    "From: <sip:{user}@127.0.0.1>;tag={port}\r\nTo: <sip:{user}@127.0.0.1>\r\n"
    "Call-ID: {port}@127.0.0.1\r\nCSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\n"
    "Contact: <sip:{user}@127.0.0.1:{port}>\r\nExpires: 3600\r\n{proof}Content-Length: 0\r\n\r\n"
)


def register(user: str, password: str, server: int, port: int) -> None:
    """Register `port` of the loopback; AssertionError when that is refused."""
    uri = f"sip:127.0.0.1:{server}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", port))
        phone.settimeout(100)

        def ask(cseq: int, proof: str = "") -> str:
            values = {"server": server, "port": port, "user": user, "cseq": cseq, "proof": proof}
            phone.sendto(REQUEST.format(**values).encode(), ("127.0.0.1", server))
            return phone.recv(65_536).decode()

        said = re.search(r"WWW-Authenticate: Digest ([^\r]*)", ask(1))
        assert said is not None
        asked = dict(re.findall(r'(\w+)="?([^",]*)"?', said[1]))
        kind = {"SHA-256": hashlib.sha256}.get(asked.get("algorithm", "MD5"), hashlib.md5)

        def digest(text: str) -> str:
            return kind(text.encode()).hexdigest()

        one = digest(f"{user}:{asked['realm']}:{password}")
        two = digest(f"REGISTER:{uri}")
        response = digest(f"{one}:{asked['nonce']}:00000001:c:auth:{two}")
        proof = (
            f'Authorization: Digest username="{user}", realm="{asked["realm"]}", '
            f'nonce="{asked["nonce"]}", uri="{uri}", response="{response}", '
            f'algorithm={asked.get("algorithm", "MD5")}, qop=auth, nc=00000001, cnonce="c"\r\n'
        )
        if "opaque" in asked:
            proof = proof.replace("\r\n", f', opaque="{asked["opaque"]}"\r\n')
        assert ask(2, proof).startswith("SIP/2.0 200")
