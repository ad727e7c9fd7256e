"""Access to one cluster with a kubeconfig only: no Pulumi, no state, no passphrase."""
