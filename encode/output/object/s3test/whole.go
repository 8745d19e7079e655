package s3test

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// copySource is the header that names the object to be copied.
const copySource = "X-Amz-Copy-Source"

// etag is the version of an object, which follows from its content, as with real servers.
func etag(content []byte) string {
	sum := sha256.Sum256(content)
	return fmt.Sprintf(`"%x"`, sum[:16])
}

// match refuses to replace another version than the one that is named.
func (s *Server) match(key, version string) reply {
	o, there := s.objects[key]
	switch {
	case version == "" || s.Ignorant:
		return reply{}
	case !there:
		return failed(http.StatusNotFound, "NoSuchKey")
	case strings.Trim(version, `"`) != strings.Trim(etag(o.Content), `"`):
		return failed(http.StatusPreconditionFailed, "PreconditionFailed")
	}
	return reply{}
}

// get gives an object.
func (s *Server) get(key string) reply {
	answer := s.head(key)
	if answer.status == http.StatusOK {
		answer.body = s.objects[key].Content
	}
	return answer
}

// copy copies an object with what it tells of itself.
func (s *Server) copy(source, key string) reply {
	source, err := url.PathUnescape(source)
	from, ok := s.objects[strings.TrimPrefix(strings.TrimPrefix(source, "/"), Bucket+"/")]
	if !ok || err != nil {
		return failed(http.StatusNotFound, "NoSuchKey")
	}
	s.objects[key] = Object{Content: from.Content, Header: from.Header, Writes: s.objects[key].Writes + 1}
	return reply{status: http.StatusOK, body: struct {
		XMLName      xml.Name `xml:"CopyObjectResult"`
		ETag         string
		LastModified string
	}{ETag: etag(from.Content), LastModified: "2006-01-02T15:04:05Z"}}
}
