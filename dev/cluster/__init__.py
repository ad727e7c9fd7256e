"""The toolchain and the one-node cluster. Both run on the system's Python, before a virtual environment exists."""
