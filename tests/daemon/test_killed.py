"""kill -9 of the daemon while calls are up on a connection: taken up again, nobody called twice."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter

from dialerd.core import control as api
from dialerd.core.records import Outcome
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.daemon.test_names import MORE
from tests.daemon.test_trunks import attempts
from tests.interop.sipp import sipp
from tests.ports import free_port

PEOPLE = 30
INVITED = re.compile(r"^INVITE [^\r\n]*\r?$(?:.*?)^Call-ID: ([^\r\n]+)", re.M | re.S)
TCP = 'transport = "tcp"\n'


def test_a_daemon_killed_with_calls_up_over_tcp_goes_on_with_the_others(daemon, tmp_path):
    heard = tmp_path / "before.log", tmp_path / "after.log"
    logs = [("-trace_msg", "-message_file", str(path)) for path in heard]
    with sipp(tmp_path, "uas", 1_000, *logs[0], transport="tcp") as carrier:
        d = daemon(gateway=carrier.port, more=TCP + MORE.format(port=free_port())).start()
        with d.ready() as client:
            people(d.folder, PEOPLE)
            broadcast(client, calls_per_s_max=10.0)
            until = time.monotonic() + 100
            while client.call(api.GetStatus()).calls_in_flight < 5:
                assert time.monotonic() < until
                time.sleep(0.02)
            d.process.send_signal(signal.SIGKILL)
        d.process.communicate(timeout=200)
        assert d.process.returncode == -signal.SIGKILL
    # SIPp may end when a connection breaks, so another one takes its place.
    with sipp(tmp_path, "uas", 1_000, *logs[1], transport="tcp", port=carrier.port):
        d.start()
        with d.ready() as client:
            books = until_finished(client)
        assert d.stop()[0] == 0
    interrupted = books.outcomes[Outcome.INTERRUPTED]
    assert interrupted >= 1
    assert books.outcomes[Outcome.ANSWERED] == PEOPLE - interrupted
    tried = attempts(d.folder)
    assert [len(one) for one in tried] == [1] * PEOPLE
    said = [found for path in heard for found in INVITED.findall(path.read_text())]
    asked = Counter(call_id.strip() for call_id in said)
    assert set(asked.values()) == {1}
    ours = {one[0].call_id for one in tried}
    cut = {one[0].call_id for one in tried if one[0].outcome is Outcome.INTERRUPTED}
    assert len(cut) == interrupted
    assert cut & set(asked), "calls that the carrier knew of were cut"
    # The kill may fall between the record of an attempt and its INVITE, never the other way round.
    assert set(asked) <= ours
    assert ours - set(asked) <= cut
