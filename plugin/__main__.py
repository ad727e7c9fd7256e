"""Started by ``pulumi-resource-seaway``, with the engine's address as its argument."""

import asyncio
import sys

from . import stub_sdk


def main() -> None:
    """Serve until the engine ends the process."""
    stub_sdk.install_stubs()
    from . import server  # noqa: PLC0415 - imports the engine's messages

    asyncio.run(server.serve(sys.argv[1]))


if __name__ == "__main__":
    main()
