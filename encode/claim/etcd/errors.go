package etcd

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// answerError is an answer of a node that is no success.
type answerError struct {
	endpoint string
	status   int
	Code     int    `json:"code"` // of gRPC
	Message  string `json:"message"`
	Text     string `json:"error"`
}

// namedCertificate is how a node with users begins its answer, as plain text, to a certificate that names one.
const namedCertificate = "CommonName of client sending a request against gateway"

// codeForbidden is that of gRPC.
const codeForbidden = 7

func newAnswerError(endpoint string, status int, text []byte) *answerError {
	e := &answerError{endpoint: endpoint, status: status}
	_ = json.Unmarshal(text, e) // what is no JSON is not shown
	if strings.HasPrefix(string(text), namedCertificate) {
		e.Text = namedCertificate + " will be ignored"
	}
	return e
}

// Error says what the node has said.
func (e *answerError) Error() string {
	return fmt.Sprintf("etcd at %s: %s (HTTP %d)", e.endpoint, e.said(), e.status)
}

func (e *answerError) said() string { return cmp.Or(e.Message, e.Text, http.StatusText(e.status)) }

// advice is what can be done about an answer that does not change by itself; empty: it may change.
func (e *answerError) advice() string {
	said := e.said()
	switch {
	case strings.Contains(said, "authentication failed"), strings.Contains(said, "user name not found"):
		return "see the option user, and the password in " + PasswordVariable + " or in the file that password-file names"
	case strings.Contains(said, "user name is empty"):
		return "it wants a user: give the option user, and a password in " + PasswordVariable
	case strings.HasPrefix(said, namedCertificate):
		return "give a certificate without a common name (CN) in tls-cert, and the user in the option user"
	case strings.Contains(said, "authentication is not enabled"):
		return "leave out the option user"
	case e.Code == codeForbidden || e.status == http.StatusForbidden:
		return "give the user, whom the option user names, the right to read and write the key"
	case strings.Contains(said, "space exceeded"):
		return "compact and defragment it, take back the alarm (etcdctl alarm disarm), and start it with --auto-compaction-retention=1h"
	case strings.Contains(said, "too large"):
		return "raise --max-request-bytes of etcd"
	case e.Message == "" && e.Text == "" && e.status >= http.StatusBadRequest && e.status < http.StatusInternalServerError: // not as etcd answers
		return "expected etcd 3.4 or later with its JSON gateway: is this its port for clients?"
	}
	return ""
}

// otherScheme is a hint at an address of a node that speaks TLS, or does not, where the other one was expected: a handshake and a request are then hung up on, or
// answered with what is neither.
func otherScheme(endpoint string, err error) string {
	var header tls.RecordHeaderError
	secure := strings.HasPrefix(endpoint, "https:")
	switch {
	case secure && (errors.Is(err, io.EOF) || errors.As(err, &header)):
		return fmt.Sprintf(" (%s:// speaks TLS: is that node without it, for %s://?)", secureScheme, scheme)
	case !secure && errors.Is(err, io.EOF):
		return fmt.Sprintf(" (%s:// speaks no TLS: does that node want it, with %s://?)", scheme, secureScheme)
	}
	return ""
}
