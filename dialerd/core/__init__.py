"""The dialing domain: pure machines with time, randomness and ids as arguments.

No I/O, no clock.
"""
