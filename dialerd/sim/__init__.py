"""The simulated world: carriers and people that speak real SIP and RTP, and checkers over their ledgers."""
