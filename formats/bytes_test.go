//go:build !amd64 || purego

package formats_test

const goldenFiles = false
