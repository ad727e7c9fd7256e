"""The images of the one-node cluster, for a machine that reaches a Debian mirror and no image registry.

`python3 -m dev.images ensure` builds the images that the cluster's registry lacks, from Debian packages: `base/debian`,
`base/python` and `base/postgres`. The dev stack uses them instead of the public images (`seaway:imageOverrides`).
`list` and `add` are `make images` and `make image`.
"""
