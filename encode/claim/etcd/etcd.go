// Package etcd keeps a state in etcd, by the JSON gateway that every node of etcd 3.4 and later has.
package etcd

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"pikabin/decode/units"
	"pikabin/encode/claim"
)

// Store is one key.
type Store struct {
	target *target
	client *http.Client
	warn   func(string)

	mu      sync.Mutex
	first   int    // the node that has answered last
	token   string // of the user
	checked time.Time
}

var _ claim.Store = (*Store)(nil)

// Open makes a store of an address. Nothing is sent yet. warn is told when etcd grows full.
func Open(address string, warn func(string)) (*Store, error) {
	t, err := parse(address)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.Proxy = t.tls, nil
	return &Store{target: t, client: &http.Client{Transport: transport}, warn: warn}, nil
}

// Close lets go of the connections.
func (s *Store) Close() { s.client.CloseIdleConnections() }

// pair is a key with its value, as etcd tells of it.
type pair struct {
	Revision int64  `json:"mod_revision,string"`
	Value    []byte `json:"value"`
}

// found is the answer to a question for a key.
type found struct {
	Pairs []pair `json:"kvs"`
}

func (f *found) version() string {
	if len(f.Pairs) == 0 {
		return ""
	}
	return strconv.FormatInt(f.Pairs[0].Revision, 10)
}

// Load implements claim.Store.
func (s *Store) Load(ctx context.Context) ([]byte, string, error) {
	var f found
	if err := s.ask(ctx, "/v3/kv/range", s.key(), &f); err != nil || len(f.Pairs) == 0 {
		return nil, "", err
	}
	s.checkGrowth(ctx)
	return f.Pairs[0].Value, f.version(), nil
}

// key asks for the key.
func (s *Store) key() map[string]any { return map[string]any{"key": []byte(s.target.key)} }

// Swap implements claim.Store: a transaction that compares the revision, which is 0 while there is no key.
func (s *Store) Swap(ctx context.Context, version string, value []byte) (string, error) {
	revision, err := strconv.ParseInt(cmp.Or(version, "0"), 10, 64)
	if err != nil {
		return "", claim.ErrConflict // no revision of etcd is called that
	}
	put := s.key()
	put["value"] = value
	compare := s.key()
	compare["target"], compare["result"], compare["mod_revision"] = "MOD", "EQUAL", revision
	var answer struct {
		Header struct {
			Revision int64 `json:"revision,string"`
		} `json:"header"`
		Succeeded bool `json:"succeeded"`
	}
	err = s.ask(ctx, "/v3/kv/txn", map[string]any{
		"compare": []any{compare}, "success": []any{map[string]any{"request_put": put}},
	}, &answer)
	if err == nil && !answer.Succeeded {
		return "", claim.ErrConflict
	}
	return strconv.FormatInt(answer.Header.Revision, 10), err
}

// ask sends a request to one node after the other, until one answers. That a transaction may be sent twice does no harm: it compares.
func (s *Store) ask(ctx context.Context, path string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	var errs []error
	nodes := len(s.target.endpoints)
	for i := range nodes {
		node := (s.begin() + i) % nodes
		err := s.askNode(ctx, node, nodes-i, path, body, answer)
		if _, refused := errors.AsType[*claim.RefusedError](err); err == nil || refused {
			s.answered(node)
			return err
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (s *Store) begin() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

func (s *Store) answered(node int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = node
}

// askNode sends a request to one node. A part of the time is left for those that may have to be asked after it. A token that has expired is renewed once.
func (s *Store) askNode(ctx context.Context, node, left int, path string, body []byte, answer any) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	endpoint := s.target.endpoints[node]
	err := s.authorized(ctx, endpoint, path, body, answer, false)
	if e, ok := errors.AsType[*answerError](err); ok && e.status == http.StatusUnauthorized && s.target.user != "" {
		err = s.authorized(ctx, endpoint, path, body, answer, true)
	}
	if e, ok := errors.AsType[*answerError](err); ok && e.advice() != "" {
		return &claim.RefusedError{Err: err, Advice: e.advice()}
	}
	return err
}

// authorized sends a request with the token of the user.
func (s *Store) authorized(ctx context.Context, endpoint, path string, body []byte, answer any, renew bool) error {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	if s.target.user != "" && (token == "" || renew) {
		login, err := json.Marshal(map[string]string{"name": s.target.user, "password": s.target.password})
		if err != nil {
			return err
		}
		var got struct{ Token string }
		if err := s.post(ctx, endpoint, "/v3/auth/authenticate", "", login, &got); err != nil {
			return err
		}
		token = got.Token
		s.mu.Lock()
		s.token = token
		s.mu.Unlock()
	}
	return s.post(ctx, endpoint, path, token, body, answer)
}

// maxAnswer bounds what is read of an answer: etcd takes requests of 1.5 MiB, which base64 makes longer.
const maxAnswer = 16 << 20

func (s *Store) post(ctx context.Context, endpoint, path, token string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", token)
	}
	response, err := s.client.Do(request)
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("etcd at %s: %w%s", endpoint, e.Err, otherScheme(endpoint, e.Err))
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s: %w", endpoint, err)
	}
	if response.StatusCode != http.StatusOK {
		return newAnswerError(endpoint, response.StatusCode, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s does not answer as etcd does: %w", endpoint, err)
	}
	return nil
}

// Growth of the database: etcd keeps every revision until somebody compacts it, and takes no write of anybody once it has reached its quota.
const (
	quota         = 2 << 30 // unless the server is told otherwise
	growthChecked = time.Hour
)

// checkGrowth warns now and then when the database is half full. That it cannot be asked is no trouble.
func (s *Store) checkGrowth(ctx context.Context) {
	s.mu.Lock()
	due := time.Since(s.checked) >= growthChecked
	if due {
		s.checked = time.Now()
	}
	s.mu.Unlock()
	if !due {
		return
	}
	var status struct {
		Size int64 `json:"dbSize,string"`
	}
	if err := s.ask(ctx, "/v3/maintenance/status", map[string]any{}, &status); err == nil && status.Size >= quota/2 {
		s.warn(fmt.Sprintf("etcd holds %s, and takes no more writes of anybody at its quota, which is %s by default: each save is kept until a compaction: "+
			"start etcd with --auto-compaction-retention=1h, and defragment it", units.FormatSize(status.Size), units.FormatSize(quota)))
	}
}
