package bucket_test

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"pikabin/encode/claim"
	"pikabin/encode/claim/bucket"
	"pikabin/encode/claim/claimtest"
	"pikabin/encode/output/object/s3test"
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, address string) claim.Store {
	t.Helper()
	s, err := bucket.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func start(t *testing.T) *s3test.Server {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	return s3test.Start(t)
}

// TestSuite is what every store has to do.
func TestSuite(t *testing.T) {
	s := start(t)
	address := s.Target("states/state.json", "")
	claimtest.Suite{
		Open: func(t *testing.T) claim.Store { t.Helper(); return open(t, address) },
		Lose: func(t *testing.T) claim.Store {
			t.Helper()
			done := false
			s.Script(func(_ int, what string) s3test.Answer {
				if done || what != "PUT states/state.json" {
					return s3test.Answer{}
				}
				done = true
				return s3test.LostAnswer
			})
			return open(t, address)
		},
	}.Run(t)
}

// TestUnknown: a conflict of two requests at one moment says nothing of what happened, as S3 itself says.
func TestUnknown(t *testing.T) {
	s := start(t)
	s.Script(func(_ int, what string) s3test.Answer {
		if what == "PUT state.json" {
			return s3test.Conflict
		}
		return s3test.Answer{}
	})
	_, err := open(t, s.Target("state.json", "")).Swap(t.Context(), "", []byte("one"))
	if _, refused := errors.AsType[*claim.RefusedError](err); err == nil || refused || errors.Is(err, claim.ErrConflict) {
		t.Errorf("ConditionalRequestConflict: %v", err)
	}
}

// TestRemoved: a state that was removed is not made anew by a run that had it.
func TestRemoved(t *testing.T) {
	s := start(t)
	store := open(t, s.Target("state.json", ""))
	version, err := store.Swap(t.Context(), "", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	s.Remove("state.json")
	if _, err := store.Swap(t.Context(), version, []byte("two")); !errors.Is(err, claim.ErrConflict) {
		t.Errorf("after it was removed: %v", err)
	}
	if _, version, err := store.Load(t.Context()); version != "" || err != nil {
		t.Errorf("version %q, %v", version, err)
	}
}

// TestIgnorant: a server that does not keep to conditions is refused before the state is written.
func TestIgnorant(t *testing.T) {
	s := start(t)
	s.Ignorant = true
	_, err := open(t, s.Target("states/state.json", "")).Swap(t.Context(), "", []byte("one"))
	if e, refused := errors.AsType[*claim.RefusedError](err); !refused || !strings.Contains(e.Error(), "keep the state in etcd") {
		t.Errorf("a server without conditions: %v", err)
	}
	if _, there := s.Objects()["states/state.json"]; there {
		t.Error("the state was written all the same")
	}
}

// TestRefused: answers that do not change are refusals with what can be done, and addresses that make no sense are seen before anything is sent.
func TestRefused(t *testing.T) {
	s := start(t)
	s.Script(func(int, string) s3test.Answer { return s3test.Denied })
	_, _, err := open(t, s.Target("state.json", "")).Load(t.Context())
	if _, refused := errors.AsType[*claim.RefusedError](err); !refused {
		t.Errorf("access denied: %v", err)
	}
	for address, want := range map[string]string{
		"s3://bucket":                            "names no object",
		"s3://bucket/a/":                         "names no object",
		"s3://bucket/a?conditional=off":          "conditional writes",
		"s3://bucket/a?colour=red":               "no option",
		"s3://me:secret@bucket/a":                "credentials",
		"s3://bucket/a?endpoint=ftp://127.0.0.1": "endpoint",
	} {
		if _, err := bucket.Open(address); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}
