"""The client of a cluster: a kubeconfig is enough, without Pulumi, state or passphrase."""
