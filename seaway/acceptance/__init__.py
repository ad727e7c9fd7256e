"""`seaway test`: what a deployed application promises, tried in its cluster (docs/adr/0048-seaway-test.md)."""
