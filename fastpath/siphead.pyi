"""The head of a SIP message in one pass, for `sipscan`; nothing here can be called from Python."""
