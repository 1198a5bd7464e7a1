"""The dialing domain: pure machines with time, randomness and ids as arguments; no I/O, no clock."""
