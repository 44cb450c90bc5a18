// Package api holds the machine-readable descriptions of the interfaces,
// which are served as they are.
package api

import _ "embed"

// OpenAPI describes the HTTP API (OpenAPI 3.1, YAML).
//
//go:embed openapi.yaml
var OpenAPI []byte
