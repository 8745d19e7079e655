//go:build unix

package checkpoint

import (
	"io/fs"
	"syscall"
	"testing"

	"pikabin/encode/vfs"
)

// owned is a file of a user and a group.
type owned struct {
	vfs.File
	fs.FileInfo
	uid, gid uint32
	err      error
	got      []int
}

func (o *owned) Stat() (fs.FileInfo, error) { return o, nil }
func (*owned) Mode() fs.FileMode            { return newMode }
func (o *owned) Sys() any                   { return &syscall.Stat_t{Uid: o.uid, Gid: o.gid} }
func (o *owned) Chown(uid, gid int) error {
	o.got = []int{uid, gid}
	return o.err
}

// TestOwnerIsKept: the state of a service that another user sets stays that of the service.
func TestOwnerIsKept(t *testing.T) {
	old := &owned{uid: 7, gid: 8}
	for name, c := range map[string]struct {
		file  owned
		chown bool
		fails bool
	}{
		"the same":                {owned{uid: 7, gid: 8}, false, false},
		"root":                    {owned{}, true, false},
		"another user":            {owned{uid: 9, gid: 8, err: syscall.EPERM}, true, true},
		"a group one is not in":   {owned{uid: 7, gid: 9, err: syscall.EPERM}, true, false},
		"a group that one is in ": {owned{uid: 7, gid: 9}, true, false},
	} {
		err := keepAttributes(&c.file, old)
		if (err != nil) != c.fails || (c.file.got != nil) != c.chown {
			t.Errorf("%s: %v, chown %v", name, err, c.file.got)
		}
	}
}
