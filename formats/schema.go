package formats

import _ "embed"

// jsonlSchema is the JSON Schema of one line.
//
//go:embed jsonl.schema.json
var jsonlSchema string
