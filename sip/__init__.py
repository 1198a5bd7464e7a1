"""SIP (RFC 3261): messages, transactions, dialogs, SDP; pure machines and a thin UDP shell."""
