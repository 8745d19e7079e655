// Package owner says whose the objects below a prefix are: an object of its own does, which is empty, since readers of a whole prefix stumble over
// anything else.
package owner

import (
	"context"
	"errors"
	"net/url"
	"os"

	"pikabin/encode/output/object/store"
)

// Name is that of the object.
const Name = ".pikabin.owner"

// What the object tells.
const (
	metaID    = "pikabin-spool"
	metaState = "pikabin-state"
)

// Owner is whose a prefix is.
type Owner struct {
	ID    string // of whatever is to continue; another one must not write
	State string // what it continues, for people
}

// New is an owner on this host. path is where it keeps how far it has come, for people.
func New(id, path string) Owner {
	host, _ := os.Hostname()
	return Owner{ID: id, State: host + ":" + path}
}

// Of tells whose the prefix is. It fails with fs.ErrNotExist if it is nobody's.
func Of(ctx context.Context, s store.Store) (Owner, error) {
	info, err := s.Head(ctx, Name)
	if err != nil {
		return Owner{}, err
	}
	o := Owner{ID: info.Meta[metaID], State: info.Meta[metaState]}
	if text, err := url.PathUnescape(o.State); err == nil {
		o.State = text
	}
	return o, nil
}

// Write makes the prefix that of an owner. The error wraps store.ErrExists if it is somebody's already.
func Write(ctx context.Context, s store.Store, o Owner) error {
	return s.Put(ctx, Name, store.Empty(map[string]string{metaID: o.ID, metaState: url.PathEscape(o.State)}))
}

// Claim makes the prefix that of an owner, and gives whose it is then. The owner is written once more than needed, since a store that takes it twice does not
// keep to conditions: that is careless. owned: the prefix is known to be the owner's; checked: the store is known to be careless.
func Claim(ctx context.Context, s store.Store, o Owner, owned, checked bool) (now Owner, careless bool, err error) {
	if owned && checked {
		return o, false, nil
	}
	err = Write(ctx, s, o)
	if err == nil && !owned && !checked {
		err = Write(ctx, s, o)
	}
	if !errors.Is(err, store.ErrExists) {
		return o, err == nil && !checked, err
	}
	now, err = Of(ctx, s)
	return now, false, err
}
