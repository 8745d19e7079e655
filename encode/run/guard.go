package run

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/vfs"
)

// Guard refuses files that a run must not write: those of the server, by whatever name they are reached, and those that the run writes for another
// purpose.
type Guard struct {
	folders []string // of the logs, of the other DBs beside them, and the log folders above
	servers []string // the folders whose DBs are among them
	written []written
}

// written is a file that the run writes.
type written struct{ what, path string }

// NewGuard protects the sources that the user named, with all that belongs to the same server.
func NewGuard(sources []string) *Guard {
	g := &Guard{}
	for _, source := range sources {
		if info, err := os.Stat(source); err == nil && info.IsDir() {
			g.Log(source)
		}
	}
	return g
}

// Log protects the folder of a log, those of the other DBs of the server, and its log folder.
func (g *Guard) Log(dir string) {
	g.add(dir)
	direct, err := vfs.RealPath(dir)
	if err != nil {
		return // whatever is written is refused for the same reason
	}
	if above := filepath.Dir(direct); isSlot(filepath.Base(direct)) && decode.IsDBName(filepath.Base(above)) {
		direct = above
	}
	if !decode.IsDBName(filepath.Base(direct)) {
		return
	}
	g.add(direct)
	above := filepath.Dir(direct)
	if slices.Contains(g.servers, above) { // there may be a thousand logs
		return
	}
	g.servers = append(g.servers, above)
	for _, db := range dbFolders(above) {
		g.add(db)
	}
	if isAbove(above) {
		g.add(above)
	}
}

func (g *Guard) add(folder string) {
	if !slices.Contains(g.folders, folder) {
		g.folders = append(g.folders, folder)
	}
}

// isServer recognises the names of a server's own messages.
var isServer = regexp.MustCompile(`^pika\.(.*\.)?(INFO|WARNING|ERROR|FATAL)\b`)

func isSlot(name string) bool {
	_, ok := decode.SlotNumber(name)
	return ok
}

// isSegment recognises segments, compressed ones of an archive among them.
func isSegment(name string) bool {
	name, _, _ = strings.Cut(name, ".")
	_, ok := decode.SegmentNumber(name)
	return ok
}

// names are those in a folder, none of one that cannot be read.
func names(folder string) []string {
	entries, _ := os.ReadDir(folder)
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.Name()
	}
	return list
}

// dbFolders are the folders of DBs in a folder, which their manifests show: one that was copied beside other files may have such a name, too.
func dbFolders(folder string) []string {
	var dbs []string
	for _, name := range names(folder) {
		db := filepath.Join(folder, name)
		if decode.IsDBName(name) && (isLive(db) || isSharded(db)) {
			dbs = append(dbs, db)
		}
	}
	return dbs
}

// isSharded recognises the folder of a DB whose logs are in folders of slots.
func isSharded(folder string) bool {
	return slices.ContainsFunc(names(folder), isSlot)
}

// isLive recognises the folder of a log that a server writes, or wrote.
func isLive(folder string) bool {
	_, err := os.Lstat(filepath.Join(folder, decode.ManifestName))
	return err == nil && slices.ContainsFunc(names(folder), isSegment)
}

// isLogFolder recognises the log folder of a server by its name in the server's configuration, or by the server's own messages in it.
func isLogFolder(folder string) bool {
	return filepath.Base(folder) == "log" || slices.ContainsFunc(names(folder), isServer.MatchString)
}

// isOfServer recognises a path without links in a folder of a server that the run does not read: of a log or of the logs of slots at any depth, or
// right in the log folder above.
func isOfServer(path string) bool {
	for folder := path; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if isLive(folder) || decode.IsDBName(filepath.Base(folder)) && isSharded(folder) {
			return true
		}
	}
	return isAbove(path) || isAbove(filepath.Dir(path))
}

// isAbove recognises the log folder of a server, with the folders of its DBs in it.
func isAbove(folder string) bool {
	dbs := dbFolders(folder)
	return len(dbs) > 1 || len(dbs) == 1 && isLogFolder(folder)
}

// RefusedError is something that the run was asked for and cannot have: a file or folder that it must not write, or that is of another
// kind, an address that it cannot listen on. Nothing was touched.
type RefusedError struct{ reason string }

// Error says what and why.
func (e *RefusedError) Error() string { return e.reason }

func refuse(format string, args ...any) error {
	return &RefusedError{reason: fmt.Sprintf(format, args...)}
}

// Outside refuses a path in the server's folders, and one that is a second name of a file there. what is its name in the message.
func (g *Guard) Outside(what, path string) error {
	for _, folder := range g.folders {
		inside, err := vfs.Inside(path, folder)
		if err != nil {
			return err
		}
		if inside {
			return refuse("%s %s lies in the log folder %s, where nothing is written", what, path, folder)
		}
	}
	direct, err := vfs.RealPath(path)
	if err != nil {
		return err
	}
	if isOfServer(direct) {
		return refuse("%s %s lies in the folder of a log, which its manifest shows: nothing is written there", what, path)
	}
	return g.unlinked(what, path)
}

// unlinked refuses a hard link to a file of the server.
func (g *Guard) unlinked(what, path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || vfs.Links(info) == 1 {
		return nil //nolint:nilerr // what is not there is no link
	}
	for _, folder := range g.folders {
		if other, ok := secondName(info, folder, logDepth); ok {
			return refuse("%s %s is a hard link to %s, which would be lost", what, path, other)
		}
	}
	return nil
}

// logDepth is how deep files are in a log folder: in the folders of slots, in those of DBs.
const logDepth = 3

// secondName finds a file in a folder and those below it.
func secondName(info os.FileInfo, folder string, depth int) (path string, ok bool) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if e.IsDir() && depth > 1 {
			if path, ok := secondName(info, path, depth-1); ok {
				return path, true
			}
			continue
		}
		if other, err := os.Stat(path); err == nil && os.SameFile(info, other) {
			return path, true
		}
	}
	return "", false
}

// Write refuses a file that the run writes for another purpose, or that is the server's, and keeps it in mind.
func (g *Guard) Write(what, path string) error {
	if err := g.Outside(what, path); err != nil {
		return err
	}
	for _, w := range g.written {
		same, err := sameFile(path, w.path)
		if err != nil {
			return err
		}
		if same {
			return refuse("%s %s is the file of the %s, too: each needs one of its own", what, path, w.what)
		}
	}
	g.written = append(g.written, written{what, path})
	return nil
}

// sameFile reports whether two paths are of one file, which need not be there.
func sameFile(a, b string) (bool, error) {
	realA, errA := vfs.RealPath(a)
	realB, errB := vfs.RealPath(b)
	if err := cmp.Or(errA, errB); err != nil || realA == realB {
		return err == nil, err
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB), nil
}

// State refuses a state file, or one of those beside it. Empty: none is kept.
func (g *Guard) State(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case strings.HasSuffix(path, "/") || err == nil && info.IsDir():
		return refuse("state %s is a folder: name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		return refuse("state %s is a pipe or a device: name a file", path)
	}
	direct, err := vfs.RealPath(path)
	if err != nil {
		return err
	}
	if err := g.Outside("state", path); err != nil {
		return err
	}
	for _, file := range checkpoint.Files(direct) { // two of them may be one file, after a crash
		if err := g.Outside("state", file); err != nil {
			return err
		}
		g.written = append(g.written, written{"state", file})
	}
	return nil
}

// Output refuses a path of an output that is the server's or the run's, and what is no folder where the path ends in a slash, or is one where it does
// not.
func (g *Guard) Output(output string) error {
	info, err := os.Stat(cmp.Or(strings.TrimRight(output, "/"), "/"))
	folder := strings.HasSuffix(output, "/")
	switch {
	case err == nil && info.IsDir() && !folder:
		return refuse("output %s is a folder: name a file in it, or let it end in a slash for parts in it", output)
	case err == nil && !info.IsDir() && folder:
		return refuse("output %s is no folder", output)
	}
	if folder {
		output = filepath.Clean(output) // as the sink takes it
		if err := g.unhidden(output); err != nil {
			return err
		}
	}
	return g.Write("output", output)
}

// unhidden refuses a state that has a hidden name in a folder of parts, where these names are the sink's own.
func (g *Guard) unhidden(folder string) error {
	for _, w := range g.written {
		if !strings.HasPrefix(filepath.Base(w.path), ".") {
			continue
		}
		if inside, err := vfs.Inside(w.path, folder); inside || err != nil {
			return cmp.Or(err, refuse("%s %s has a hidden name in the output %s/, where these are of what is being written: name another file", w.what, w.path, folder))
		}
	}
	return nil
}
