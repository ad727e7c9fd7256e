// Package java stands in for a code generator that the Go module proxy does
// not serve. The plugin only fills this struct in, as metadata for generating
// a Java SDK, which nobody does with this build.
package java

// PackageInfo is the metadata of a generated Java package.
type PackageInfo struct {
	BuildFiles                      string            `json:"buildFiles,omitempty"`
	GradleNexusPublishPluginVersion string            `json:"gradleNexusPublishPluginVersion,omitempty"`
	Dependencies                    map[string]string `json:"dependencies,omitempty"`
}
