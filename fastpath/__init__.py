"""Compiled, GIL-free compute: SIP scanning, RTP, number normalisation. Imports nothing of ours."""
