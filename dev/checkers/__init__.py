"""Runs the public checkers kube-score, kubeconform and checkov on every example, with a reason for each exception."""
