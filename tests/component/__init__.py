"""What the program registers, seen by an engine that only writes it down."""
