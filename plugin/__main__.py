"""Started by ``pulumi-resource-seaway``, with the engine's address as its argument."""

import asyncio
import sys

from . import stub_sdk

stub_sdk.install_stubs()

from . import server  # noqa: E402 - imports the engine's messages

asyncio.run(server.serve(sys.argv[1]))
