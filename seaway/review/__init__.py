"""What a reviewer reads: how environments differ, and what a change would do."""
