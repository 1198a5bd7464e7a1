"""The control socket: msgpack frames over a Unix-domain socket, serving `dialerd.core.control`."""
