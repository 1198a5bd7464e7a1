"""A busy port is named with the process that holds it."""

import itertools
import os
import socket
import threading

from dialerd.shell.ports import holder, in_use


def test_the_holder_of_a_port_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert f"(pid {os.getpid()})" in holder(port)
        assert f"127.0.0.1:{port} is in use by" in in_use("[sip] port", "127.0.0.1", port)
    assert holder(port) == ""
    assert " is in use;" in in_use("[sip] port", "127.0.0.1", port)


def test_a_holder_that_closes_other_files_meanwhile_is_named_too():
    """Between the look at its files and the look at one of them, that one may be gone."""
    done = threading.Event()

    def open_and_close() -> None:
        while not done.is_set():
            for _ in range(20):
                os.close(os.open("/dev/null", os.O_RDONLY))

    before = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]  # these numbers are seen first
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for file in before:
            os.close(file)
        sock.bind(("127.0.0.1", 0))
        threads = [threading.Thread(target=open_and_close) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            found = {holder(sock.getsockname()[1]) for _ in itertools.repeat(None, 30)}
        finally:
            done.set()
            for thread in threads:
                thread.join()
    assert [f"(pid {os.getpid()})" in name for name in found] == [True]
