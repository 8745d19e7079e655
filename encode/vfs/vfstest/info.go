package vfstest

import (
	"io/fs"
	"time"
)

// info is a fs.FileInfo.
type info struct {
	name string
	node *node
}

func (i info) Name() string      { return i.name }
func (i info) Size() int64       { return int64(len(i.node.data)) }
func (i info) Mode() fs.FileMode { return i.node.mode }
func (info) ModTime() time.Time  { return time.Time{} }
func (i info) IsDir() bool       { return i.node.mode.IsDir() }
func (i info) Sys() any          { return i.node }
