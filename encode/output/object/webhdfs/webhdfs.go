// Package webhdfs is a store of files in a folder of HDFS, over WebHDFS, the protocol by which namenodes and datanodes are reached with HTTP. A file is
// written under a hidden name, read back, and then given its own name by a rename that does not replace what is there: a consumer sees it whole or not at all.
package webhdfs

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"pikabin/encode/output/object/store"
)

// Folder is a store below a folder of HDFS.
type Folder struct {
	target *Target
	client *http.Client
	active *atomic.Int64 // which namenode answered last
}

var _ store.Place = (*Folder)(nil)

// hidden is the folder below the prefix where files are written. Readers of tables skip names that begin with a dot.
const hidden = ".pikabin.tmp"

// connectTime is how long a connection may take. There may be another namenode that answers.
const connectTime = 10 * time.Second

// Open makes a folder of what was asked for. Nothing is sent yet.
func Open(t *Target) *Folder {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.DialContext = (&net.Dialer{Timeout: connectTime}).DialContext
	transport.ResponseHeaderTimeout = store.AnswerTime
	jar, _ := cookiejar.New(nil) // without options it has no error
	return &Folder{target: t, active: new(atomic.Int64), client: &http.Client{
		Transport: transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // content is sent to the second server only
	}}
}

// Close implements store.Store.
func (f *Folder) Close() { f.client.CloseIdleConnections() }

// String is the address of the folder.
func (f *Folder) String() string { return f.target.String() }

// Prefix implements store.Place.
func (f *Folder) Prefix() string { return f.target.Prefix }

// Beside implements store.Place.
func (f *Folder) Beside(prefix string) store.Place {
	target, other := *f.target, *f
	target.Prefix = prefix
	other.target = &target
	return &other
}

// path is that of a file, or of the folder if the name is empty.
func (f *Folder) path(name string) string {
	if path := strings.TrimSuffix("/"+f.target.Prefix+name, "/"); path != "" {
		return path
	}
	return "/"
}

// Check implements store.Store. A folder that is not there is made once something is written.
func (f *Folder) Check(ctx context.Context) error {
	list, err := f.entries(ctx, "")
	if err == nil && slices.ContainsFunc(list, func(e entry) bool { return e.Name == "" }) {
		return &store.RefusedError{Err: fmt.Errorf("%s is a file", f), Advice: "name a folder"}
	}
	return err
}

// entry is what HDFS tells of a file or a folder.
type entry struct {
	Name   string `json:"pathSuffix"`
	Type   string `json:"type"`
	Length int64  `json:"length"`
}

func (e *entry) isFolder() bool { return e.Type == "DIRECTORY" }

// key is what an entry is sorted by: what is in a folder is sorted with the slash.
func (e *entry) key() string {
	if e.isFolder() {
		return e.Name + "/"
	}
	return e.Name
}

// attribute is the extended attribute with what a file tells of itself, as JSON.
const attribute = "user.pikabin"

// Head implements store.Store.
func (f *Folder) Head(ctx context.Context, name string) (store.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	var status struct{ FileStatus entry }
	if _, err := f.do(ctx, &call{method: http.MethodGet, op: "GETFILESTATUS", path: f.path(name)}, &status); err != nil {
		return store.Info{}, f.explain("asking for", name, err)
	}
	if status.FileStatus.isFolder() {
		return store.Info{}, &store.RefusedError{Err: fmt.Errorf("%s%s is a folder", f, name), Advice: "move it away, or name another path"}
	}
	meta, err := f.meta(ctx, name)
	return store.Info{Size: status.FileStatus.Length, Meta: meta}, err
}

// meta is what a file tells of itself. One of somebody else tells nothing.
func (f *Folder) meta(ctx context.Context, name string) (map[string]string, error) {
	var answer struct {
		XAttrs []struct{ Name, Value string } //nolint:tagliatelle // the name in the protocol
	}
	if _, err := f.do(ctx, &call{method: http.MethodGet, op: "GETXATTRS", path: f.path(name), query: url.Values{"encoding": {"hex"}}}, &answer); err != nil {
		return nil, f.explain("asking for the attributes of", name, err)
	}
	meta := map[string]string{}
	for _, a := range answer.XAttrs {
		if a.Name != attribute {
			continue
		}
		text, err := hex.DecodeString(strings.TrimPrefix(a.Value, "0x"))
		if err == nil {
			err = json.Unmarshal(text, &meta)
		}
		if err != nil {
			return nil, fmt.Errorf("the attribute %s of %s%s: %w", attribute, f, name, err)
		}
	}
	return meta, nil
}

// List implements store.Store.
func (f *Folder) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { f.walk(ctx, "", yield) }
}

// walk gives the files of a folder, and reports whether more is wanted.
func (f *Folder) walk(ctx context.Context, dir string, yield func(string, error) bool) bool {
	list, err := f.entries(ctx, dir)
	if err != nil {
		yield("", err)
		return false
	}
	for _, e := range list {
		name := dir + e.Name
		switch {
		case name == hidden:
		case e.isFolder():
			if !f.walk(ctx, name+"/", yield) {
				return false
			}
		case !yield(name, nil):
			return false
		}
	}
	return true
}

// entries lists a folder, sorted. One that is not there is empty.
func (f *Folder) entries(ctx context.Context, dir string) (list []entry, err error) {
	var answer struct {
		DirectoryListing struct {
			PartialListing struct {
				FileStatuses struct{ FileStatus []entry }
			} `json:"partialListing"`
			RemainingEntries int `json:"remainingEntries"`
		}
	}
	for after := ""; ; after = list[len(list)-1].Name {
		answer.DirectoryListing.PartialListing.FileStatuses.FileStatus = nil
		if err := f.page(ctx, dir, after, &answer); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		page := answer.DirectoryListing
		list = append(list, page.PartialListing.FileStatuses.FileStatus...)
		if page.RemainingEntries == 0 || len(page.PartialListing.FileStatuses.FileStatus) == 0 {
			break
		}
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.key(), b.key()) })
	return list, nil
}

// page asks for what comes after a name in a folder.
func (f *Folder) page(ctx context.Context, dir, after string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	query := url.Values{}
	if after != "" {
		query.Set("startAfter", after)
	}
	if _, err := f.do(ctx, &call{method: http.MethodGet, op: "LISTSTATUS_BATCH", path: f.path(dir), query: query}, answer); err != nil {
		return f.explain("listing", dir, err)
	}
	return nil
}
