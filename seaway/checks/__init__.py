"""What a workload that people depend on should pass: rules with ids, over the objects that would be deployed."""
