"""The command line: what plain Pulumi cannot do. Thin; what it needs is in the packages beside it."""
