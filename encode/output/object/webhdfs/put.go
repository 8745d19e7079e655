package webhdfs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"pikabin/encode/output/object/store"
)

// Put implements store.Store.
func (f *Folder) Put(ctx context.Context, name string, o *store.Blob) error {
	under := hidden + "/" + hiddenName(name)
	err := f.put(ctx, name, under, o)
	if err == nil {
		return nil
	}
	f.leave(ctx, under)
	err = f.explain("writing", name, err)
	if errors.Is(err, fs.ErrNotExist) { // somebody has taken away what was being written
		err = errors.New(err.Error())
	}
	return err
}

// hiddenName is one that no other attempt has. It tells what is written.
func hiddenName(name string) string {
	escaped := url.PathEscape(name)
	if len(escaped) > longestName {
		escaped = url.PathEscape(path.Base(name))
	}
	return escaped + "." + rand.Text()
}

// longestName leaves room for the end of a hidden name: HDFS takes 255 bytes.
const longestName = 200

// writtenAs is the name of what is written under a hidden one.
func writtenAs(hiddenName string) string {
	escaped := strings.TrimSuffix(hiddenName, path.Ext(hiddenName))
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped
	}
	return name
}

// put writes under the hidden name, and gives it the other one.
func (f *Folder) put(ctx context.Context, name, under string, o *store.Blob) error {
	if err := f.write(ctx, under, o); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	meta, err := json.Marshal(o.Meta)
	if err != nil {
		return err
	}
	query := url.Values{"xattr.name": {attribute}, "xattr.value": {"0x" + hex.EncodeToString(meta)}, "flag": {"CREATE"}}
	if _, err := f.do(ctx, &call{method: http.MethodPut, op: "SETXATTR", path: f.path(under), query: query}, nil); err != nil {
		return err
	}
	return f.rename(ctx, f.path(under), f.path(name), "NONE")
}

// write writes a file and reads it back: HDFS itself keeps sums of what has arrived, and not of what was sent.
func (f *Folder) write(ctx context.Context, under string, o *store.Blob) error {
	ctx, cancel := context.WithTimeout(ctx, 2*store.Patience(o.Size))
	defer cancel()
	query := url.Values{"overwrite": {"false"}}
	address, err := f.do(ctx, &call{method: http.MethodPut, op: "CREATE", path: f.path(under), query: query}, nil)
	if err != nil {
		return err
	}
	answer, err := f.send(ctx, http.MethodPut, address, content(o), o.Size)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	sum := sha256.New()
	if size, err := f.read(ctx, under, sum); err != nil {
		return err
	} else if size != o.Size || [sha256.Size]byte(sum.Sum(nil)) != o.SHA256 {
		return fmt.Errorf("%d bytes were sent, and %d bytes or others are there", o.Size, size)
	}
	return nil
}

// content is what is sent.
func content(o *store.Blob) io.Reader {
	if o.Size == 0 {
		return http.NoBody
	}
	return io.NewSectionReader(o.Content, 0, o.Size)
}

// read reads a file.
func (f *Folder) read(ctx context.Context, name string, to io.Writer) (size int64, err error) {
	address, err := f.do(ctx, &call{method: http.MethodGet, op: "OPEN", path: f.path(name)}, nil)
	if err != nil {
		return 0, err
	}
	answer, err := f.send(ctx, http.MethodGet, address, nil, 0)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	return io.Copy(to, answer.Body)
}

// rename gives a file another name. how says what becomes of a file that has it: NONE or OVERWRITE.
func (f *Folder) rename(ctx context.Context, from, to, how string) error {
	_, err := f.do(ctx, &call{method: http.MethodPut, op: "MKDIRS", path: path.Dir(to)}, nil)
	if remote, ok := errors.AsType[*remoteError](err); ok && remote.Exception == existsException { // that is a file, and not the part
		remote.Exception = "ParentNotDirectoryException"
	}
	if err != nil {
		return err
	}
	var done struct{ Boolean *bool }
	query := url.Values{"destination": {to}, "renameoptions": {how}}
	_, err = f.do(ctx, &call{method: http.MethodPut, op: "RENAME", path: from, query: query}, &done)
	if err == nil && done.Boolean != nil && !*done.Boolean {
		err = &remoteError{Exception: noOptions, Message: "the file was not renamed"}
	}
	return err
}

// leave removes what was being written. What stays is removed at the next start.
func (f *Folder) leave(ctx context.Context, under string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), store.AnswerTime/6)
	defer cancel()
	_ = f.remove(ctx, under)
}

func (f *Folder) remove(ctx context.Context, name string) error {
	_, err := f.do(ctx, &call{method: http.MethodDelete, op: "DELETE", path: f.path(name)}, nil)
	return err
}

// Abort implements store.Store.
func (f *Folder) Abort(ctx context.Context, ours func(name string) bool) error {
	list, err := f.entries(ctx, hidden+"/")
	if err != nil {
		return err
	}
	for _, e := range list {
		if !ours(writtenAs(e.Name)) {
			continue
		}
		if err := f.Remove(ctx, hidden+"/"+e.Name); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements store.Place.
func (f *Folder) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	if err := f.remove(ctx, name); err != nil {
		return f.explain("removing", name, err)
	}
	return nil
}

// Move implements store.Place.
func (f *Folder) Move(ctx context.Context, from store.Place, name, to string) error {
	call, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	err := f.rename(call, "/"+from.Prefix()+name, f.path(to), "OVERWRITE")
	if err == nil {
		return nil
	}
	err = f.explain("renaming "+from.Prefix()+name+" to", to, err)
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := from.Head(ctx, name); !errors.Is(there, fs.ErrNotExist) { // it is the folder that was not found
			return errors.New(err.Error())
		}
	}
	return err
}

// Copy implements store.Place.
func (f *Folder) Copy(ctx context.Context, name string, to io.WriterAt) (size int64, err error) {
	info, err := f.Head(ctx, name)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, store.Patience(info.Size))
	defer cancel()
	file := store.NewFileWriter(to)
	if size, err = f.read(ctx, name, file); err != nil && file.Err == nil {
		return 0, f.explain("reading", name, err)
	}
	return size, file.Err
}
