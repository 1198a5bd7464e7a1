"""The simulated world.

Carriers and people that speak real SIP and RTP, and checkers over their ledgers.
"""
