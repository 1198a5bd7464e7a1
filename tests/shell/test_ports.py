"""A busy port is named with the process that holds it."""

import os
import socket

from dialerd.shell.ports import holder, in_use


def test_the_holder_of_a_port_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert f"(pid {os.getpid()})" in holder(port)
        assert f"127.0.0.1:{port} is in use by" in in_use("[sip] port", "127.0.0.1", port)
    assert holder(port) == ""
    assert " is in use;" in in_use("[sip] port", "127.0.0.1", port)
