//go:build amd64 && !purego

package formats_test

// goldenFiles: the assembly of parquet-go packs some columns in another way than its pure Go twin, so the bytes are golden for one of them.
const goldenFiles = true
