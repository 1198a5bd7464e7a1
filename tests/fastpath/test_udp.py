"""Batched datagrams on real loopback sockets."""

from __future__ import annotations

import errno
import socket
import time

import pytest

from fastpath.udp import BATCH_MAX, Batch
from sip.transport.io_udp import open_socket

HOST = "127.0.0.1"


@pytest.fixture(params=[HOST, "::1"])
def pair(request: pytest.FixtureRequest):
    host = request.param
    v6 = ":" in host
    with open_socket(host, 0) as one, open_socket(host, 0) as two:
        yield one, two, Batch(one.fileno(), v6=v6), Batch(two.fileno(), v6=v6)


def host(sock: socket.socket) -> str:
    return sock.getsockname()[0]


def port(sock: socket.socket) -> int:
    return sock.getsockname()[1]


def test_many_datagrams_arrive_in_order_in_few_calls(pair):
    one, two, ours, theirs = pair
    packets = [(b"%d" % n * 10, (host(two), port(two), 0)) for n in range(200)]
    assert ours.send(packets) == 200
    assert ours.send_calls == 4
    got = []
    while batch := theirs.receive():
        assert len(batch) <= BATCH_MAX
        got += batch
    assert [data for data, _ in got] == [data for data, _ in packets]
    assert {source for _, source in got} == {(host(one), port(one), 0)}
    assert (ours.sent, theirs.received, theirs.receive_calls) == (200, 200, 5)


def test_nothing_is_an_empty_list(pair):
    _, _, ours, _ = pair
    assert ours.receive() == []
    assert ours.send([]) == 0
    assert ours.errors() == []


def test_sending_may_begin_in_the_middle(pair):
    _, two, ours, theirs = pair
    to = (host(two), port(two), 0)
    assert ours.send([(b"a", to), (b"b", to)], 1) == 2
    assert [data for data, _ in theirs.receive()] == [b"b"]


def test_sizes_from_nothing_to_the_largest(pair):
    _, two, ours, theirs = pair
    to = (host(two), port(two), 0)
    for size in (0, 1, 1_500, 65_507):
        assert ours.send([(b"x" * size, to)]) == 1
        assert [len(data) for data, _ in theirs.receive()] == [size]


def test_what_cannot_be_sent_is_counted_and_the_rest_leaves(pair):
    _, two, ours, theirs = pair
    to = (host(two), port(two), 0)
    packets = [
        (b"1", to),
        (b"no host", ("gw.example", 5060, 0)),
        (b"no port", (host(two), 0, 0)),
        (b"no port either", (host(two), 70_000, 0)),
        (b"x" * 65_536, to),
        (b"2", to),
        (b"not a number", (host(two), "5060", 0)),
        (b"3", to),
    ]
    assert ours.send(packets) == len(packets)
    assert ours.failed == 5
    assert [data for data, _ in theirs.receive()] == [b"1", b"2", b"3"]


def test_an_icmp_error_names_its_target_and_costs_no_other_datagram(pair):
    one, two, ours, theirs = pair
    with socket.socket(one.family, socket.SOCK_DGRAM) as gone:
        gone.bind((host(one), 0))
        dead = (host(one), port(gone), 0)
    ours.send([(b"x", dead)])
    until = time.monotonic() + 100
    found = []
    while not found and time.monotonic() < until:
        found = ours.errors()
    assert found == [(dead, errno.ECONNREFUSED)]
    ours.send([(b"x", dead)])
    time.sleep(0.01)
    to = (host(two), port(two), 0)
    assert ours.send([(b"a", to), (b"b", to)]) == 2
    assert [data for data, _ in theirs.receive()] == [b"a", b"b"]
    assert ours.troubled
    assert ours.errors()[0][0] == dead
    assert not ours.troubled
    assert ours.failed == 0


def test_a_socket_of_another_kind_gives_up(pair):
    _, two, _, _ = pair
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with a, b:
        other = Batch(a.fileno())
        assert other.send([(b"x", (host(two), port(two), 0))] * 3) == 3
        assert other.failed == 3


def test_a_closed_descriptor_gives_up(pair):
    _, two, _, _ = pair
    with open_socket(HOST, 0) as sock:
        batch = Batch(sock.fileno())
    assert batch.receive() == []
    assert batch.send([(b"x", (host(two), port(two), 0))]) == 1
    assert (batch.failed, batch.fd) == (1, batch.fd)


def test_an_address_of_the_other_family_cannot_be_sent_to(pair):
    one, _, ours, _ = pair
    other = HOST if one.family == socket.AF_INET6 else "::1"
    assert ours.send([(b"x", (other, 5060, 0))]) == 1
    assert ours.failed == 1


def test_flow_is_the_third_part_of_every_address():
    with open_socket("::1", 0) as one, open_socket("::1", 0) as two:
        ours, theirs = Batch(one.fileno(), v6=True), Batch(two.fileno(), 7, True)
        assert ours.send([(b"x", ("0:0::1", port(two), 0))]) == 1
        assert theirs.receive() == [(b"x", ("::1", port(one), 7))]
        assert (ours.v6, ours.flow, theirs.flow) == (True, 0, 7)
