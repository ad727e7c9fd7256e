"""The client of the counter and the journal: sends a line and reads the response."""

import os
import socket


def request(name: str, line: str) -> str:
    """Return the response of a service or store. `calls` sets its address in ``<NAME>_HOST`` and ``<NAME>_PORT``."""
    address = os.environ[f"{name}_HOST"], int(os.environ[f"{name}_PORT"])
    with socket.create_connection(address, timeout=5) as connection, connection.makefile("rw") as file:
        file.write(f"{line}\n")
        file.flush()
        connection.shutdown(socket.SHUT_WR)
        return file.read()
