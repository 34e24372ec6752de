// Package openslo reads documents in OpenSLO's form (apiVersion, kind,
// metadata, spec) and decodes the seven kinds of openslo/v1.
//
// Three layers, each usable on its own. [Read] turns YAML or JSON bytes into
// [Node] trees that know their place, behind guards against hostile input. A
// [Shape] is a table of the fields a kind has; [Shape.Check] finds everything
// that does not fit it, and the JSON Schema for editors is written from the
// same table. [Decode] turns a checked tree into one of the seven kinds.
//
// Nothing here looks beyond one document: references are resolved by package
// config.
package openslo
