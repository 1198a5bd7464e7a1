"""The daemon reaches a carrier by its name, over TCP, from a socket that is configured beside."""

from __future__ import annotations

from dialerd.core.records import Outcome
from tests.daemon.test_trunks import attempts, run_campaign
from tests.interop.sipp import sipp
from tests.ports import free_port
from tests.sip.nameserver import name_server

MORE = """
[[sip.listen]]
transport = "tcp"
bind = "127.0.0.1"
port = {port}
"""


def test_a_campaign_over_tcp_to_a_carrier_with_a_name(daemon, tmp_path):
    """ "localhost" is in every machine's list of hosts; SIPp takes TCP only."""
    with sipp(tmp_path, "uas", 10, transport="tcp") as carrier:
        more = 'transport = "tcp"\n' + MORE.format(port=free_port())
        d = daemon(gateway=carrier.port, more=more)
        text = d.config.read_text()
        d.config.write_text(text.replace('host = "127.0.0.1"\nport', 'host = "localhost"\nport'))
        d.start()
        books, _ = run_campaign(d, 10)
        judged = carrier.finish()
    assert (judged["successful"] + judged["failed"]) == 10
    assert books.outcomes[Outcome.ANSWERED] == 10
    assert [len(one) for one in attempts(d.folder)] == [1] * 10


NAMES = """
[[trunk]]
name = "nowhere"
host = "none.example.com"
channels = 100
[sip.dns]
servers = ["127.0.0.1:{dns}"]
[[sip.listen]]
transport = "tcp"
port = {tcp}
"""


def test_naptr_chooses_the_transport_and_a_name_that_leads_nowhere_harms_nobody(daemon, tmp_path):
    """SIPp takes TCP only, and nobody said so but the records of its name."""
    with sipp(tmp_path, "uas", 5, transport="tcp") as carrier:
        zone = [
            "--naptr-record=localhost,10,10,S,SIP+D2T,,_sip._tcp.localhost",
            "--naptr-record=localhost,20,10,S,SIP+D2U,,_sip._udp.localhost",
            f"--srv-host=_sip._tcp.localhost,one.example.com,{carrier.port},10",
            "--srv-host=_sip._udp.localhost,one.example.com,9,10",
            "--host-record=one.example.com,127.0.0.1",
        ]
        with name_server(*zone) as dns:
            d = daemon(more=NAMES.format(dns=dns, tcp=free_port()))
            text = d.config.read_text()
            d.config.write_text(text.replace('host = "127.0.0.1"\nport = 9', 'host = "localhost"'))
            d.start()
            books, trunks = run_campaign(d, 5)
        judged = carrier.finish()
    assert judged["successful"] == 5
    assert books.outcomes[Outcome.ANSWERED] == 5
    assert trunks["gateway"].placed == 5
    assert (trunks["nowhere"].up, trunks["nowhere"].placed) == (False, 0)
    assert trunks["nowhere"].why == "cannot resolve none.example.com"
