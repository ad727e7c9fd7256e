"""The state of a rollout, computed from the cluster's objects: pure functions without a cluster or a clock."""
