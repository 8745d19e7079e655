// Package s3test is a server with the protocol of Amazon S3 in memory, for tests: it does what a client of this program needs, tells what it
// was asked, and answers badly when it is told to.
package s3test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pikabin/encode/output/object/scripted"
)

// Key and Secret are the only credentials that the server takes.
const (
	Key    = "key"
	Secret = "a-secret-of-tests"
)

// Bucket is the only bucket that there is.
const Bucket = "bucket"

// Server is a bucket. The zero value is none; Start makes one.
type Server struct {
	scripted.Requests

	t *testing.T

	// Ignorant says that the server overwrites whatever the condition of a request is, as old ones do.
	Ignorant bool

	// Page is how many names a listing has; 0: 1000.
	Page int

	mu      sync.Mutex
	url     string
	objects map[string]Object
	uploads map[string]*upload
	next    int
}

// Object is one that is there.
type Object struct {
	Content []byte
	Header  http.Header // what it was written with
	Writes  int         // how often
}

type upload struct {
	key    string
	header http.Header
	parts  map[int][]byte
}

// Answer is how a request is answered.
type Answer = scripted.Answer

// The answers that a server may give.
var (
	SlowDown     = Answer{Status: http.StatusServiceUnavailable, Code: "SlowDown"}
	Conflict     = Answer{Status: http.StatusConflict, Code: "ConditionalRequestConflict"}
	NoSuchUpload = Answer{Status: http.StatusNotFound, Code: "NoSuchUpload"}
	Internal     = Answer{Status: http.StatusInternalServerError, Code: "InternalError"}
	Denied       = Answer{Status: http.StatusForbidden, Code: "AccessDenied"}
	Expired      = Answer{Status: http.StatusForbidden, Code: "ExpiredToken"}
	Reset        = Answer{Reset: true}
	LostAnswer   = Answer{Reset: true, Done: true}
)

// Start starts a server, and takes the credentials into the environment.
func Start(t *testing.T) *Server {
	t.Helper()
	s := &Server{t: t, objects: map[string]Object{}, uploads: map[string]*upload{}}
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	s.url = listener.URL
	return s
}

// Fork is a server that has the same objects.
func (s *Server) Fork(t *testing.T) *Server {
	t.Helper()
	other := Start(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	other.objects, other.Ignorant, other.Page = maps.Clone(s.objects), s.Ignorant, s.Page
	return other
}

// Target is a value of --output below a prefix, with more options.
func (s *Server) Target(prefix, options string) string {
	return "s3://" + Bucket + "/" + prefix + "?endpoint=" + s.url + "&region=us-east-1" + options
}

// Objects are all that are there.
func (s *Server) Objects() map[string]Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.objects)
}

// Put makes an object, as somebody else would.
func (s *Server) Put(key, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = Object{Content: []byte(content), Header: http.Header{}, Writes: 1}
}

// Remove removes an object, as somebody else would.
func (s *Server) Remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

// Uploads is how many objects are begun in pieces and not there.
func (s *Server) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.uploads)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked has gone
	}
	answer := s.decide(r, key)
	if answer.Before != nil {
		answer.Before()
	}
	result := reply{status: answer.Status, code: answer.Code}
	if answer.Does() {
		done := s.refuse(r, bucket, body)
		if done.status == 0 {
			done = s.do(r, key, body)
		}
		if answer.Code == "" {
			result = done
		}
	}
	if answer.Reset {
		panic(http.ErrAbortHandler)
	}
	result.write(w, r)
}

// operations are what a request asks for besides its method.
var operations = []string{"uploads", "uploadId", "list-type"}

// decide asks the script, for what is such as "PUT prefix/name" or "POST prefix/name?uploads".
func (s *Server) decide(r *http.Request, key string) Answer {
	what, query := r.Method+" "+key, r.URL.Query()
	if i := slices.IndexFunc(operations, query.Has); i >= 0 {
		what += "?" + operations[i]
	}
	return s.Decide(what)
}

// reply is what a request is answered with.
type reply struct {
	status int
	code   string
	header http.Header
	body   any
}

func (a *reply) write(w http.ResponseWriter, r *http.Request) {
	maps.Copy(w.Header(), a.header)
	body := a.body
	if a.code != "" {
		body = struct {
			XMLName xml.Name `xml:"Error"`
			Code    string
			Message string
		}{Code: a.code, Message: "as the script says"}
	}
	if content, ok := body.([]byte); ok {
		w.WriteHeader(a.status)
		_, _ = w.Write(content)
		return
	}
	if body == nil || r.Method == http.MethodHead {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(a.status)
	_ = xml.NewEncoder(w).Encode(body)
}

func failed(status int, code string) reply { return reply{status: status, code: code} }

// refuse refuses those who may not ask, buckets that are not there, and what has arrived damaged.
func (*Server) refuse(r *http.Request, bucket string, body []byte) reply {
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+Key+"/") {
		return failed(http.StatusForbidden, "InvalidAccessKeyId")
	}
	if bucket != Bucket {
		return failed(http.StatusNotFound, "NoSuchBucket")
	}
	sum := sha256.Sum256(body)
	if claimed := r.Header.Get("X-Amz-Content-Sha256"); claimed != hex.EncodeToString(sum[:]) && (len(body) > 0 || claimed != "UNSIGNED-PAYLOAD") {
		return failed(http.StatusBadRequest, "XAmzContentSHA256Mismatch")
	}
	return reply{}
}

// do does what was asked for.
func (s *Server) do(r *http.Request, key string, body []byte) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodGet && query.Has("uploads"):
		return s.listUploads(query.Get("prefix"))
	case r.Method == http.MethodGet && key == "":
		return s.list(query.Get("prefix"), query.Get("continuation-token"))
	case r.Method == http.MethodHead:
		return s.head(key)
	case r.Method == http.MethodPost && query.Has("uploads"):
		return s.begin(r, key)
	case query.Has("uploadId"):
		return s.piece(r, key, body)
	case r.Method == http.MethodGet:
		return s.get(key)
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		return reply{status: http.StatusNoContent}
	case r.Header.Get(copySource) != "":
		return s.copy(r.Header.Get(copySource), key)
	case r.Method == http.MethodPut:
		return s.put(key, body, r.Header, r.Header)
	}
	s.t.Errorf("s3test: %s %s is more than this server does", r.Method, r.URL)
	return failed(http.StatusNotImplemented, "NotImplemented")
}

func (s *Server) put(key string, content []byte, condition, header http.Header) reply {
	was, there := s.objects[key]
	if there && condition.Get("If-None-Match") == "*" && !s.Ignorant {
		return failed(http.StatusPreconditionFailed, "PreconditionFailed")
	}
	if refused := s.match(key, condition.Get("If-Match")); refused.status != 0 {
		return refused
	}
	s.objects[key] = Object{Content: content, Header: header.Clone(), Writes: was.Writes + 1}
	return reply{status: http.StatusOK, header: http.Header{"Etag": {etag(content)}}}
}

func (s *Server) head(key string) reply {
	o, ok := s.objects[key]
	if !ok {
		return failed(http.StatusNotFound, "NoSuchKey")
	}
	header := http.Header{
		"Content-Length": {strconv.Itoa(len(o.Content))}, "Etag": {etag(o.Content)}, "Last-Modified": {"Mon, 02 Jan 2006 15:04:05 GMT"},
	}
	for name, values := range o.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			header[name] = values
		}
	}
	return reply{status: http.StatusOK, header: header}
}

// list gives a page of names.
func (s *Server) list(prefix, after string) reply {
	type content struct{ Key string }
	var page struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
	}
	most := s.Page
	if most == 0 {
		most = 1000
	}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if len(page.Contents) == most {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[most-1].Key
			break
		}
		page.Contents = append(page.Contents, content{key})
	}
	return reply{status: http.StatusOK, body: page}
}

func (s *Server) listUploads(prefix string) reply {
	type one struct{ Key, UploadId string } //nolint:revive // the name in the protocol
	var page struct {
		XMLName xml.Name `xml:"ListMultipartUploadsResult"`
		Upload  []one
	}
	for _, id := range slices.Sorted(maps.Keys(s.uploads)) {
		if key := s.uploads[id].key; strings.HasPrefix(key, prefix) {
			page.Upload = append(page.Upload, one{key, id})
		}
	}
	return reply{status: http.StatusOK, body: page}
}

// begin begins an object in pieces.
func (s *Server) begin(r *http.Request, key string) reply {
	s.next++
	id := fmt.Sprintf("upload-%06d", s.next)
	s.uploads[id] = &upload{key: key, header: r.Header.Clone(), parts: map[int][]byte{}}
	return reply{status: http.StatusOK, body: struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadId string //nolint:revive // the name in the protocol
	}{Bucket: Bucket, Key: key, UploadId: id}}
}

// piece takes a piece, or ends an object in pieces.
func (s *Server) piece(r *http.Request, key string, body []byte) reply {
	query := r.URL.Query()
	id := query.Get("uploadId")
	u := s.uploads[id]
	if u == nil || u.key != key {
		return failed(http.StatusNotFound, "NoSuchUpload")
	}
	switch r.Method {
	case http.MethodPut:
		number, err := strconv.Atoi(query.Get("partNumber"))
		if err != nil {
			return failed(http.StatusBadRequest, "InvalidArgument")
		}
		u.parts[number] = body
		return reply{status: http.StatusOK, header: http.Header{"Etag": {fmt.Sprintf("%q", query.Get("partNumber"))}}}
	case http.MethodDelete:
		delete(s.uploads, id)
		return reply{status: http.StatusNoContent}
	}
	var content []byte
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		content = append(content, u.parts[number]...)
	}
	done := s.put(key, content, r.Header, u.header)
	if done.status != http.StatusOK {
		return done
	}
	delete(s.uploads, id)
	done.body = struct {
		XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket  string
		Key     string
		ETag    string
	}{Bucket: Bucket, Key: key, ETag: key}
	return done
}
