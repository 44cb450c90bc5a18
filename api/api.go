// Package api holds the machine-readable descriptions of the shop's interfaces. The
// shop serves these files unchanged.
package api

import "embed"

// OpenAPI describes the HTTP API (OpenAPI 3.1, YAML).
//
//go:embed openapi.yaml
var OpenAPI []byte

// AsyncAPI describes the topics (AsyncAPI 3, YAML). It refers to Schemas.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte

// Schemas holds the JSON Schemas (2020-12) of records, each under
// schemas/EVENT/VERSION.json, and VERSION.headers.json beside it. Their $id ends
// in the same path.
//
//go:embed schemas
var Schemas embed.FS
