// The Kubernetes provider plugin, built from its published module.
//
// The module's own main package embeds files that its release process
// generates and that the module does not carry, so this one stands in for it.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

// Copied here from the module by the build, see parts.py.
//
//go:embed schema.json
var schema []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, nil)
}
