"""What a rollout is doing, judged from the cluster's own objects: pure functions, no cluster, no clock of their own."""
