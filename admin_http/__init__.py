"""The admin process: the HTTP API over the control socket and a read-only view of the store."""
