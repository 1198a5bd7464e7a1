"""The daemon reaches a carrier by its name, over TCP, from a socket that is configured beside."""

from __future__ import annotations

from dialerd.core.records import Outcome
from tests.daemon.test_trunks import attempts, run_campaign
from tests.interop.sipp import free_port, sipp

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
