"""What an INVITE says for a trunk as it is configured: templates, identities, ports, prefixes."""

import random
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.effects import Dial
from dialerd.core.keys import Dtmf
from dialerd.core.numbering import load_numbering
from dialerd.core.templates import TemplateError
from dialerd.lines.rewriting import Rewrite
from dialerd.lines.sip_line import SipLines, SipTrunk
from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Send
from sip.transport.local import Local

PLAN = tomllib.loads(Path("conf/numbering/vn.toml").read_text(encoding="utf-8"))
NUMBER = load_numbering(PLAN).number("0912 345 678")
CALLER = "+842871000000"


def dial(caller_id=CALLER, port=""):
    return Dial(1, 7, "t", NUMBER, "a@b", caller_id, port)


def invite(effect=None, **trunk):
    spec = SipTrunk(**({"name": "t", "host": "127.0.0.9", "port": 5070} | trunk))
    lines = SipLines({"t": spec}, "192.0.2.1", random.Random(1))
    return lines.invite(effect or dial(), "127.0.0.1", 20002)


def wire(made):
    """The INVITE as it leaves, through the real endpoint."""
    endpoint = Endpoint(Local("192.0.2.1", 5060), rng=random.Random(2))
    endpoint.invite(made, 0)
    endpoint.go_on(made.leg, 0)
    (sent,) = [out for out in endpoint.drain() if isinstance(out, Send)]
    return sent.data.decode()


def test_a_carrier_that_wants_its_account_in_from_and_the_caller_in_pai():
    """The common shape of Vietnamese SIP accounts."""
    text = wire(
        invite(
            account="842873001234",
            from_user="{account}",
            from_domain="sip.fpt.example",
            domain="sip.fpt.example",
            asserted="<sip:{caller_id}@{domain};user=phone>",
            privacy="id",
        )
    )
    assert text.startswith("INVITE sip:+84912345678@sip.fpt.example SIP/2.0\r\n")
    assert '\r\nFrom: "+842871000000" <sip:842873001234@sip.fpt.example>;tag=' in text
    assert "\r\nTo: <sip:+84912345678@sip.fpt.example>\r\n" in text
    assert "\r\nP-Asserted-Identity: <sip:+842871000000@sip.fpt.example;user=phone>\r\n" in text
    assert "\r\nPrivacy: id\r\n" in text
    assert "\r\nContact: <sip:842873001234@192.0.2.1:5060>\r\n" in text


def test_a_mobile_sip_trunk_with_a_preferred_identity():
    text = wire(
        invite(
            account="+84903000000@ims.mobifone.example",
            domain="ims.mobifone.example",
            contact_user="mobi1",
            preferred="<sip:+84903000000@{domain}>",
            from_display="Cham soc {caller_id}",
            headers=(("X-Line", "{number};from={caller_id}"),),
        )
    )
    assert 'From: "Cham soc +842871000000" <sip:+842871000000@192.0.2.1>' in text
    assert "P-Preferred-Identity: <sip:+84903000000@ims.mobifone.example>" in text
    assert "P-Asserted-Identity" not in text
    assert "Contact: <sip:mobi1@192.0.2.1:5060>" in text
    assert "X-Line: +84912345678;from=+842871000000\r\n" in text


def test_identities_may_be_switched_off():
    made = invite(from_user="acc", asserted="none")
    assert made.headers == ()
    assert made.from_uri == "sip:acc@192.0.2.1"


@pytest.mark.parametrize(
    ("by", "request_user", "to_user", "headers"),
    [
        ("none", "0912345678", "0912345678", ()),
        ("prefix", "8%2303" + "0912345678", "8%2303" + "0912345678", ()),
        ("user", "8%2303", "0912345678", ()),
        ("header", "0912345678", "0912345678", (("X-GSM", "8%2303"),)),
    ],
)
def test_a_port_of_a_gateway_is_asked_for(by, request_user, to_user, headers):
    made = invite(
        dial("", "03"),
        kind="gsm_gateway",
        number_format="national",
        ports_by=by,
        port_header="X-GSM",
        port_addresses={"03": "8#03", "04": "8#04"},
    )
    assert made.request_uri == f"sip:{request_user}@127.0.0.9:5070"
    assert made.to_uri == f"sip:{to_user}@127.0.0.9:5070"
    assert made.headers == headers
    assert request_user in wire(made)


def test_a_technical_prefix():
    made = invite(dial=(Rewrite("8491", 3, "9#0"),))
    assert made.request_uri == "sip:9%230912345678@127.0.0.9:5070"


def test_what_a_trunk_says_of_its_media_and_session():
    made = invite(
        codecs=(8,), dtmf=Dtmf.INFO, advertised="203.0.113.5", session_s=600, min_se_s=120,
        rel100="required", silence_s=5,
    )  # fmt: skip
    described = sdp.parse(made.sdp)
    assert (described.host, described.payload_type, described.event_type) == (
        "203.0.113.5",
        8,
        None,
    )
    text = wire(made)
    assert "Session-Expires: 600" in text
    assert "Min-SE: 120" in text
    assert "Require: 100rel" in text
    assert (made.silence_s, made.targets) == (5, (("127.0.0.9", 5070, 0),))


def test_ipv6_stands_in_brackets():
    made = invite(host="2001:db8::9")
    assert made.request_uri == "sip:+84912345678@[2001:db8::9]:5070"
    assert made.targets == (("2001:db8::9", 5070, 0),)


def test_a_template_that_cannot_be_used_is_refused_when_the_line_is_made():
    for text in ("{x}", "a\r\nb", "{"):
        with pytest.raises(TemplateError):
            invite(from_display=text)


def test_numbers_that_the_carrier_tells():
    spec = SipTrunk(name="t", host="h", port=1, incoming=(Rewrite("0", 1, "84"),))
    (line,) = SipLines({"t": spec}, "h", random.Random(1)).lines.values()
    assert line.told("0912345678") == "84912345678"


@given(caller=st.text(max_size=30), port=st.text(max_size=8), account=st.text(max_size=20))
def test_nothing_that_a_call_brings_breaks_out_of_its_field(caller, port, account):
    plain = wire(invite(dial(""), from_user="a", asserted="<sip:{caller_id}@x>"))
    made = invite(
        dial(caller, port),
        account=account,
        from_user="a",
        asserted="<sip:{caller_id}@x>",
        contact_user="c",
        ports_by="header",
        port_addresses={port: port},
    )
    lines = wire(made).split("\r\n")
    extra = [line for line in lines if line.startswith("X-Port:")]
    assert len(lines) == len(plain.split("\r\n")) + len(extra)
    (identity,) = [line for line in lines if line.startswith("P-Asserted-Identity:")]
    assert identity.count("<") == identity.count(">") == 1
