"""For developing Seaway itself: a one-node cluster made of real parts, and the measurements."""
