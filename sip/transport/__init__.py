"""Transports (RFC 3261 section 18, RFC 3263): sockets, names, and which targets are alive."""
