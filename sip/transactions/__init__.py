"""Transactions (RFC 3261 section 17, RFC 6026): four machines, and the table that finds them."""
