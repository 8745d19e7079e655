package webhdfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// call is what a namenode is asked for.
type call struct {
	method string
	op     string
	path   string // absolute
	query  url.Values
}

// do asks the namenodes, the one that answered last before the others, and reads the answer into a value, if there is one to be read. The address is where a
// namenode sends who wants to read or to write content: to a datanode.
func (f *Folder) do(ctx context.Context, c *call, answer any) (address string, err error) {
	first := int(f.active.Load())
	for i := range f.target.Namenodes {
		n := (first + i) % len(f.target.Namenodes)
		address, asked := f.askOne(ctx, f.target.Namenodes[n], c, answer)
		remote, answered := errors.AsType[*remoteError](asked)
		if asked == nil || answered && remote.Exception != standbyException {
			f.active.Store(int64(n))
			return address, asked
		}
		if err == nil || !answered { // one that cannot be reached says more than one that stands by
			err = asked
		}
	}
	return "", err
}

// askOne asks a namenode.
func (f *Folder) askOne(ctx context.Context, host string, c *call, answer any) (address string, err error) {
	query := url.Values{"op": {c.op}}
	if f.target.User != "" && f.target.Login == nil {
		query.Set("user.name", f.target.User)
	}
	maps.Copy(query, c.query)
	u := url.URL{Scheme: f.protocol(), Host: host, Path: "/webhdfs/v1" + c.path, RawQuery: query.Encode()}
	response, err := f.send(ctx, c.method, u.String(), nil, 0)
	if remote, ok := errors.AsType[*remoteError](err); ok && remote.status == http.StatusUnauthorized && f.target.Login != nil {
		response, err = f.sendLogin(ctx, c.method, &u)
	}
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if answer != nil {
		if err := json.NewDecoder(response.Body).Decode(answer); err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("%s: the answer is not what WebHDFS gives: %w", host, err)
		}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, longest)) // so that the connection is used again
	return response.Header.Get("Location"), nil
}

func (f *Folder) protocol() string {
	if f.target.Secure {
		return "https"
	}
	return "http"
}

// send sends a request, and gives an answer that is no error. Whatever goes wrong is told without the query, which may hold what lets others in.
func (f *Folder) send(ctx context.Context, method, address string, body io.Reader, size int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, errors.New("the namenode has sent us to what is no address")
	}
	if body != nil {
		request.ContentLength = size
		request.Header.Set("Content-Type", "application/octet-stream")
	}
	return f.exchange(request)
}

func (f *Folder) exchange(request *http.Request) (*http.Response, error) {
	response, err := f.client.Do(request)
	if u, ok := errors.AsType[*url.Error](err); ok {
		if strings.Contains(u.Err.Error(), request.URL.Host) {
			return nil, u.Err
		}
		return nil, fmt.Errorf("%s: %w", request.URL.Host, u.Err)
	}
	if err != nil {
		return nil, err
	}
	if response.StatusCode < http.StatusBadRequest {
		return response, nil
	}
	defer response.Body.Close()
	return nil, remoteErrorOf(request.URL.Host, response)
}

// remoteError is an answer that says what is wrong.
type remoteError struct {
	Exception string `json:"exception"` // class, without its package
	Message   string `json:"message"`

	host   string
	status int
}

// Error says who answered what.
func (e *remoteError) Error() string {
	if e.host == "" {
		return e.Message + ": " + e.Exception
	}
	return fmt.Sprintf("%s: %s (%s, HTTP %d)", e.host, e.Message, e.Exception, e.status)
}

// longest is how much is read of an answer that says what is wrong. It has the stack of the server.
const longest = 1 << 16

func remoteErrorOf(host string, response *http.Response) *remoteError {
	text, _ := io.ReadAll(io.LimitReader(response.Body, longest))
	var answer struct{ RemoteException *remoteError }
	if json.Unmarshal(text, &answer) != nil || answer.RemoteException == nil {
		answer.RemoteException = &remoteError{Exception: noWebHDFS, Message: string(text)}
		if response.StatusCode == http.StatusUnauthorized {
			answer.RemoteException.Exception = "no login"
		}
		if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") { // a page
			answer.RemoteException.Message = http.StatusText(response.StatusCode)
		}
	}
	e := answer.RemoteException
	e.host, e.status = host, response.StatusCode
	e.Message = strings.TrimRight(firstLine(e.Message), ".")
	return e
}

// firstLine is what a message says before the stack and the explanations of the server.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}
