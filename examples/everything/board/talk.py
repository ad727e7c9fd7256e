"""Asks the counter and the journal: a line there, and all that comes back."""

import os
import socket


def ask(name: str, line: str) -> str:
    """What the service or store answers; a link gives its address as ``<NAME>_HOST`` and ``<NAME>_PORT``."""
    address = os.environ[f"{name}_HOST"], int(os.environ[f"{name}_PORT"])
    with socket.create_connection(address, timeout=5) as connection, connection.makefile("rw") as file:
        file.write(f"{line}\n")
        file.flush()
        connection.shutdown(socket.SHUT_WR)
        return file.read()
