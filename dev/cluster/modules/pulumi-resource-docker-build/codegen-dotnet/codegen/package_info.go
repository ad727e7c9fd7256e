// Package codegen stands in for a code generator that the Go module proxy
// does not serve. The plugin only fills this struct in, as metadata for
// generating a .NET SDK, which nobody does with this build.
package codegen

// CSharpPackageInfo is the metadata of a generated .NET package.
type CSharpPackageInfo struct {
	RespectSchemaVersion bool              `json:"respectSchemaVersion,omitempty"`
	PackageReferences    map[string]string `json:"packageReferences,omitempty"`
}
