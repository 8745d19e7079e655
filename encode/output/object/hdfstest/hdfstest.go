// Package hdfstest is a namenode and a datanode in memory that speak WebHDFS, for tests: they do what a client of this program needs, tell what they were asked,
// and answer badly when they are told to.
package hdfstest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"pikabin/encode/output/object/scripted"
)

// Server is a file system. The zero value is none; Start makes one.
type Server struct {
	scripted.Requests

	// Gateway says that the server renames as gateways do: without conditions, and without telling why not.
	Gateway bool

	// Page is how many names a listing has; 0: 1000.
	Page int

	t     *testing.T
	mu    sync.Mutex
	host  string
	files map[string]File
	dirs  map[string]bool
}

// File is one that is there, by its path.
type File struct {
	Content string
	Attrs   map[string]string
	Writes  int // how many files had the name
}

// The answers that a server may give.
var (
	SafeMode   = scripted.Answer{Status: http.StatusForbidden, Code: "SafeModeException"}
	Standby    = scripted.Answer{Status: http.StatusForbidden, Code: "StandbyException"}
	Busy       = scripted.Answer{Status: http.StatusServiceUnavailable, Code: "RetriableException"}
	Broken     = scripted.Answer{Status: http.StatusInternalServerError, Code: "IOException"}
	Denied     = scripted.Answer{Status: http.StatusForbidden, Code: "AccessControlException"}
	Reset      = scripted.Answer{Reset: true}
	LostAnswer = scripted.Answer{Reset: true, Done: true}
)

// Start starts a server.
func Start(t *testing.T) *Server {
	t.Helper()
	s := &Server{t: t, files: map[string]File{}, dirs: map[string]bool{"/": true}}
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	s.host = strings.TrimPrefix(listener.URL, "http://")
	return s
}

// Fork is a server that has the same files.
func (s *Server) Fork(t *testing.T) *Server {
	t.Helper()
	other := Start(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	other.files, other.dirs, other.Page = maps.Clone(s.files), maps.Clone(s.dirs), s.Page
	return other
}

// Host is where it listens.
func (s *Server) Host() string { return s.host }

// Target is a value of --output below a prefix.
func (s *Server) Target(prefix string) string { return "webhdfs://" + s.host + "/" + prefix }

// Files are all that are there.
func (s *Server) Files() map[string]File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.files)
}

// Put makes a file, as somebody else would.
func (s *Server) Put(path, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mkdirs(path[:strings.LastIndex(path, "/")+1])
	s.files[path] = File{Content: content, Writes: 1}
}

// root is what the paths of all requests begin with.
const root = "/webhdfs/v1"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked has gone
	}
	at, query := strings.TrimPrefix(r.URL.Path, root), r.URL.Query()
	answer := s.Decide(query.Get("op") + query.Get("at") + " " + at)
	if answer.Before != nil {
		answer.Before()
	}
	result := refused(answer.Status, answer.Code)
	if answer.Does() {
		done := s.do(at, query, string(body))
		if answer.Code == "" {
			result = done
		}
	}
	if answer.Reset {
		panic(http.ErrAbortHandler)
	}
	result.write(w)
}

// reply is what a request is answered with.
type reply struct {
	status   int
	location string
	body     any // as JSON; a string: as it is
}

func (a *reply) write(w http.ResponseWriter) {
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	text, isText := a.body.(string)
	if a.body != nil && !isText {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	if a.body != nil && !isText {
		_ = json.NewEncoder(w).Encode(a.body)
		return
	}
	_, _ = io.WriteString(w, text)
}

// refused is an answer that says what is wrong.
func refused(status int, exception string) reply {
	return reply{status: status, body: map[string]any{"RemoteException": map[string]any{"exception": exception, "message": "as the script says.\n\tat the server"}}}
}

// Some of what is wrong.
func notFound() reply { return refused(http.StatusNotFound, "FileNotFoundException") }

func exists() reply { return refused(http.StatusForbidden, "FileAlreadyExistsException") }

func well(body any) reply { return reply{status: http.StatusOK, body: body} }

// do does what was asked for.
func (s *Server) do(at string, query url.Values, body string) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch op := query.Get("op"); op + query.Get("at") {
	case "CREATE", "OPEN":
		return s.redirect(op, at)
	case "CREATE@datanode":
		return s.create(at, body)
	case "OPEN@datanode":
		return well(s.files[at].Content)
	case "GETFILESTATUS":
		return s.status(at)
	case "GETXATTRS":
		return s.attributes(at)
	case "SETXATTR":
		return s.setAttribute(at, query)
	case "LISTSTATUS_BATCH":
		return s.list(at, query.Get("startAfter"))
	case "MKDIRS":
		return s.makeDirs(at)
	case "RENAME":
		return s.rename(at, query.Get("destination"), query.Get("renameoptions") == "OVERWRITE")
	case "DELETE":
		_, there := s.files[at]
		delete(s.files, at)
		return well(map[string]bool{"boolean": there})
	}
	s.t.Errorf("hdfstest: %s is more than this server does", query.Get("op"))
	return refused(http.StatusBadRequest, "IllegalArgumentException")
}

// redirect sends to the datanode, which is the same server.
func (s *Server) redirect(op, at string) reply {
	_, there := s.files[at]
	if op == "OPEN" && !there {
		return notFound()
	}
	u := url.URL{Scheme: "http", Host: s.host, Path: root + at, RawQuery: url.Values{"op": {op}, "at": {"@datanode"}, "delegation": {"secret"}}.Encode()}
	return reply{status: http.StatusTemporaryRedirect, location: u.String()}
}

func (s *Server) create(at, content string) reply {
	if _, there := s.files[at]; there || s.dirs[at] {
		return exists()
	}
	s.mkdirs(path.Dir(at))
	s.files[at] = File{Content: content}
	return reply{status: http.StatusCreated}
}

// entry is what is told of a file or a folder.
type entry struct {
	PathSuffix string `json:"pathSuffix"`
	Type       string `json:"type"`
	Length     int    `json:"length"`
}

func (s *Server) entry(at, name string) (e entry, ok bool) {
	file, isFile := s.files[at]
	if isFile {
		return entry{name, "FILE", len(file.Content)}, true
	}
	return entry{name, "DIRECTORY", 0}, s.dirs[at]
}

func (s *Server) status(at string) reply {
	e, ok := s.entry(at, "")
	if !ok {
		return notFound()
	}
	return well(map[string]any{"FileStatus": e})
}

func (s *Server) attributes(at string) reply {
	file, ok := s.files[at]
	if !ok {
		return notFound()
	}
	list := []map[string]string{}
	for name, value := range file.Attrs {
		list = append(list, map[string]string{"name": name, "value": value})
	}
	return well(map[string]any{"XAttrs": list})
}

func (s *Server) setAttribute(at string, query url.Values) reply {
	file, ok := s.files[at]
	if !ok {
		return notFound()
	}
	file.Attrs = map[string]string{query.Get("xattr.name"): query.Get("xattr.value")}
	s.files[at] = file
	return well(nil)
}

// list gives a page of names.
func (s *Server) list(at, after string) reply {
	if e, ok := s.entry(at, ""); !ok {
		return notFound()
	} else if e.Type == "FILE" {
		return page([]entry{e}, 0)
	}
	var list []entry
	for _, name := range s.names(at) {
		if e, _ := s.entry(path.Join(at, name), name); name > after {
			list = append(list, e)
		}
	}
	most := s.Page
	if most == 0 {
		most = 1000
	}
	shown := list[:min(most, len(list))]
	return page(shown, len(list)-len(shown))
}

// names are those of what is in a folder, sorted.
func (s *Server) names(at string) (names []string) {
	for _, all := range [][]string{slices.Collect(maps.Keys(s.files)), slices.Collect(maps.Keys(s.dirs))} {
		for _, p := range all {
			if p != "/" && path.Dir(p) == at {
				names = append(names, path.Base(p))
			}
		}
	}
	slices.Sort(names)
	return names
}

func page(list []entry, rest int) reply {
	return well(map[string]any{"DirectoryListing": map[string]any{
		"partialListing": map[string]any{"FileStatuses": map[string]any{"FileStatus": list}}, "remainingEntries": rest,
	}})
}

func (s *Server) makeDirs(at string) reply {
	if _, isFile := s.files[at]; isFile {
		return exists()
	}
	s.mkdirs(at)
	return well(map[string]bool{"boolean": true})
}

func (s *Server) mkdirs(at string) {
	for at = path.Clean(at); at != "/"; at = path.Dir(at) {
		s.dirs[at] = true
	}
}

func (s *Server) rename(from, to string, overwrite bool) reply {
	file, ok := s.files[from]
	was, there := s.files[to]
	switch {
	case s.Gateway && (!ok || there):
		return well(map[string]bool{"boolean": false})
	case !ok, !s.dirs[path.Dir(to)]:
		return notFound()
	case there && !overwrite, s.dirs[to]:
		return exists()
	}
	file.Writes = was.Writes + 1
	s.files[to] = file
	delete(s.files, from)
	return well(nil)
}
