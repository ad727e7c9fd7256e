"""The toolchain and the one-node cluster. Runs on the system's Python, before any virtual environment exists."""
