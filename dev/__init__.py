"""Tools for developing Seaway: a one-node cluster of real parts, benchmarks, and generators of documentation."""
