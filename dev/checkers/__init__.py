"""The public checkers over every example: kube-score, kubeconform and checkov, with a reason for each exception."""
