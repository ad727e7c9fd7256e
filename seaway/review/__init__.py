"""Reviews: how environments differ, and the impact of a change."""
