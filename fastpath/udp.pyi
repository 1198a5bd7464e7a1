"""Batched datagrams of one non-blocking UDP socket, IPv4 or IPv6: recvmmsg, sendmmsg, errors."""

from typing import Final, final

BATCH_MAX: Final[int]

@final
class Batch:
    """Works on a file descriptor that somebody else owns.

    Set IP_RECVERR (IPV6_RECVERR) on it, or `errors` finds nothing. Addresses are (host, port,
    `flow`), the host without brackets; the scope of a link-local address is not kept, so nothing
    can be sent to one.
    """

    def __new__(cls, fd: int, flow: int = 0, v6: bool = False) -> Batch: ...
    @property
    def fd(self) -> int:
        """The descriptor it works on."""
    @property
    def flow(self) -> int:
        """The third element of the addresses it gives."""
    @property
    def v6(self) -> bool:
        """Whether the descriptor is an IPv6 socket."""
    def receive(self) -> list[tuple[bytes, tuple[str, int, int]]]:
        """Up to BATCH_MAX datagrams with their senders.

        Empty when there are none, or an error came instead.
        """
    def send(self, datagrams: list[tuple[bytes, tuple[str, int, int]]], first: int = 0) -> int:
        """Send them in order from index `first`.

        The index after the last that left or was given up.

        Less than the length: the socket or the device is full, try again when it is writable. A
        datagram that the kernel refuses twice (too large, no route, not an address) is counted in
        `failed` and skipped.
        """
    def errors(self) -> list[tuple[tuple[str, int, int], int]]:
        """ICMP errors that say nobody is there: (destination of the lost datagram, errno)."""
    @property
    def troubled(self) -> bool:
        """Whether a call has failed since `errors` was read."""
    @property
    def received(self) -> int:
        """Datagrams read."""
    @property
    def sent(self) -> int:
        """Datagrams that left."""
    @property
    def truncated(self) -> int:
        """Datagrams dropped for being too large."""
    @property
    def blocked(self) -> int:
        """Times that the socket or the device was full."""
    @property
    def failed(self) -> int:
        """Datagrams given up."""
    @property
    def receive_calls(self) -> int:
        """recvmmsg calls."""
    @property
    def send_calls(self) -> int:
        """sendmmsg calls."""
