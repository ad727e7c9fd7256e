"""Local base images, for a machine that reaches a Debian mirror and no image registry.

`python3 -m dev.images ensure --registry HOST:PORT` builds the images that the registry lacks:
`base/python:3.11-bookworm` and `base/postgres:15-bookworm`, both from Debian packages.
The dev stack uses them instead of the public images (`seaway:imageOverrides`).
"""
