package redis_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode/output/redis"
	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/positions"
	"pikabin/encode/output/redis/words"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// logOf writes one record of DBs in turn.
func logOf(t *testing.T, dbs map[string][][]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for db, commands := range dbs {
		w := binlogtest.NewWriter(binlogtest.Options{})
		for _, c := range commands {
			w.Command(c...)
		}
		if err := w.WriteDir(filepath.Join(dir, "log_"+db)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDBs: each DB of the log goes to one of the server, and a flush of all empties no other one.
func TestDBs(t *testing.T) {
	dir := logOf(t, map[string][][]string{
		"db0": {{"SET", "old", "v"}, {"FLUSHALL"}, {"SET", "k", "of db0"}},
		"db1": {{"SET", "k", "of db1"}},
	})
	for _, test := range []struct {
		options   string
		db0, db1  int
		exactly   string
		untouched int
	}{
		{"", 0, 1, "", 7},
		{"&dbs=db0=3,db1=4", 3, 4, "", 0},
		{"&dbs=db0=3,db1=4", 3, 4, "true", 0},
	} {
		f := newFake(t)
		if err := f.DB(test.untouched).Set("k", "of others"); err != nil {
			t.Fatal(err)
		}
		if err := f.DB(test.db0).Set("stale", "v"); err != nil {
			t.Fatal(err)
		}
		r := &run{settings: map[string]string{"exactly-once": test.exactly}, env: sink.Env{DBs: []string{"db0"}}}
		if err := r.convert(t, dir, f.target(test.options)); err != nil {
			t.Fatal(err)
		}
		for db, want := range map[int]string{test.db0: "of db0", test.db1: "of db1", test.untouched: "of others"} {
			if got, _ := f.DB(db).Get("k"); got != want {
				t.Errorf("%s: DB %d has %q", test.options, db, got)
			}
		}
		if f.DB(test.db0).Exists("stale") || f.DB(test.db0).Exists("old") {
			t.Errorf("%s: a flush has left something", test.options)
		}
	}
}

// TestNoPlaceForDB refuses a DB that has no place before anything is sent.
func TestNoPlaceForDB(t *testing.T) {
	f := newFake(t)
	for options, want := range map[string]string{"/5": "name that of db1 with the option dbs", "": "has no number"} {
		dbs := map[string][]string{"/5": {"db0", "db1"}, "": {"sessions"}}[options]
		_, err := sinktest.Open(t, redis.Type, "redis://"+f.address+options+"?target=redis", nil, sink.Env{DBs: dbs})
		if target, ok := errors.AsType[*sink.TargetError](err); !ok || !strings.Contains(target.Error(), want) {
			t.Errorf("%q: %v", options, err)
		}
	}
}

// putOff is what deadlines are put off by here: the fake counts to less than three hundred years.
const putOff = 10 * 365 * 24 * time.Hour

// untilFormat sets keys to their deadlines, which are held.
func untilFormat() formats.Format {
	return formats.Format{Name: "until", New: func(formats.Options) formats.Encoder { return untilEncoder{} }}
}

type untilEncoder struct{}

func (untilEncoder) AppendChange(dst []byte, c *decode.Change) []byte {
	if c.ExpireAt == 0 {
		return words.Append(dst, "SET", string(c.Key), "v")
	}
	return words.Append(dst, "SET", string(c.Key), "v", "PXAT", strconv.FormatInt(c.ExpireAt+putOff.Milliseconds(), 10))
}

// TestDeadlines are held until the log has come to its end, and are in effect then.
func TestDeadlines(t *testing.T) {
	ahead := strconv.FormatInt(time.Now().Unix()-binlogtest.DefaultTime+3600, 10)
	dir := logOf(t, map[string][][]string{"db0": {{"SET", "passed", "v", "EX", "10"}, {"SET", "ahead", "v", "EX", ahead}, {"SET", "never", "v"}}})
	for _, settings := range []map[string]string{nil, once} {
		f := newFake(t)
		f.SetTime(time.Now())
		r := &run{own: untilFormat(), settings: settings, env: sink.Env{Held: putOff.Milliseconds(), DBs: []string{"db0"}}}
		if err := r.convert(t, dir, f.target("&deadlines=hold")); err != nil {
			t.Fatal(err)
		}
		if !f.Exists("passed") || f.TTL("ahead") < putOff || !strings.Contains(r.monitor.String(), "deadlines are held (deadlines=hold)") {
			t.Errorf("held: %v, told %q", f.Keys(), r.monitor.String())
		}
		stopped := &run{own: untilFormat(), settings: settings, env: r.env, stop: make(chan struct{})}
		close(stopped.stop)
		if err := stopped.convert(t, dir, f.target("")); err != nil {
			t.Fatal(err)
		}
		if held := f.Exists("passed"); !held {
			t.Error("a run that was told to end has put deadlines into effect")
		}
		if err := r.convert(t, dir, f.target("")); err != nil {
			t.Fatal(err)
		}
		if f.Exists("passed") || f.TTL("never") != 0 || !f.Exists("never") || f.TTL("ahead").Round(time.Minute) != time.Hour {
			t.Errorf("there are %v, %v is left of one", f.Keys(), f.TTL("ahead"))
		}
	}
}

// TestTakes: what a server says of itself decides what it is sent.
func TestTakes(t *testing.T) {
	f := newFake(t)
	for _, test := range []struct{ info, options, want string }{
		{"redis_version:7.0.15\r\n", "", "redis false"},
		{"pika_version:3.5.5\r\n", "", "resp"},
		{"redis_version:7.0.15\r\n", "?target=pika", "resp"},
		{"redis_version:7.0.15\r\ncluster_enabled:1\r\n", "", "redis true"},
		{"redis_version:6.2.1\r\n", "", "need Redis 7 or later"},
		{"x:y\r\n", "", "say with the option target"},
	} {
		f.info.Store(&test.info)
		o, _, err := redis.Type.Parse("redis://"+f.address+test.options, nil)
		if err != nil {
			t.Fatal(err)
		}
		takes, err := o.Target().Takes(t.Context(), &sinktest.Monitor{})
		if got := fmt.Sprint(takes.Format, " ", takes.Cluster, err); !strings.Contains(got, test.want) {
			t.Errorf("%q %s: %s", test.info, test.options, got)
		}
	}
	pika := "pika_version:3.5.5\r\n"
	f.info.Store(&pika)
	_, err := sinktest.Open(t, redis.Type, "redis://"+f.address, once, sink.Env{})
	if err == nil || !strings.Contains(err.Error(), "which a Pika does not have") {
		t.Errorf("transactions of a Pika: %v", err)
	}
}

// TestLogin: names and passwords come from the address and the environment.
func TestLogin(t *testing.T) {
	dir := logOf(t, map[string][][]string{"db0": {{"SET", "k", "v"}}})
	f := newFake(t)
	f.RequireUserAuth("writer", "hush")
	target := strings.Replace(f.target(""), "redis://", "redis://writer@", 1)
	err := (&run{}).convert(t, dir, target)
	if login, ok := errors.AsType[*link.LoginError](err); !ok || strings.Contains(login.Error(), "hush") {
		t.Errorf("without a password: %v", err)
	}
	t.Setenv("PIKABIN_REDIS_PASSWORD", "hush")
	if err := (&run{}).convert(t, dir, target); err != nil {
		t.Error(err)
	}
	t.Setenv("PIKABIN_REDIS_PASSWORD", "")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&run{}).convert(t, dir, target+"&password-file="+file); err != nil {
		t.Error(err)
	}
}

// TestTLS: the server's certificate has to be that of an authority that is known.
func TestTLS(t *testing.T) {
	dir := logOf(t, map[string][][]string{"db0": {{"SET", "k", "v"}}})
	web := httptest.NewTLSServer(nil)
	certificates := web.TLS.Certificates
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	web.Close()
	server, err := miniredis.RunTLS(&tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	target := "rediss://" + server.Addr() + "?target=redis"
	if err := (&run{}).convert(t, dir, target); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without an authority: %v", err)
	}
	if err := (&run{}).convert(t, dir, target+"&tls-ca="+file); err != nil {
		t.Error(err)
	}
	other := strings.Replace(target, "127.0.0.1", "localhost", 1) + "&tls-ca=" + file
	if err := (&run{}).convert(t, dir, other); err == nil || !strings.Contains(err.Error(), "say that name with the option tls-server-name") {
		t.Errorf("with another name: %v", err)
	}
	if err := (&run{}).convert(t, dir, other+"&tls-server-name=example.com"); err != nil {
		t.Error(err)
	}
	if got, _ := server.Get("k"); got != "v" {
		t.Errorf("k is %q", got)
	}
}

// TestLost: a server that has lost what it had confirmed ends the run, and the next one continues where the server is.
func TestLost(t *testing.T) {
	dir, trace := counted(t, records)
	f := newFake(t)
	r := &run{settings: once}
	opened, err := openRun(t, r, f.target(""))
	if err != nil {
		t.Fatal(err)
	}
	f.FlushAll()
	err = r.into(t, dir, opened)
	if _, ok := errors.AsType[*positions.LostError](err); !ok {
		t.Error(err)
	}
	if err := (&run{settings: once}).convert(t, dir, f.target("")); err != nil {
		t.Fatal(err)
	}
	f.check(t, "after the loss", trace)
}

// TestRehearse: a dry run finds the position, and claims nothing.
func TestRehearse(t *testing.T) {
	dir, _ := counted(t, records)
	f := newFake(t)
	if err := (&run{settings: once}).convert(t, dir, f.target("")); err != nil {
		t.Fatal(err)
	}
	info := "redis_version:7.2.4\r\n"
	f.info.Store(&info)
	before := f.Dump()
	o, _, err := redis.Type.Parse("redis://"+f.address, once)
	if err != nil {
		t.Fatal(err)
	}
	rehearser, ok := o.(sink.Rehearser)
	if !ok {
		t.Fatal("there are no dry runs")
	}
	r, err := rehearser.Rehearse(t.Context(), sink.Env{DBs: []string{"db0"}})
	if err != nil || !r.Keeps || r.Text != "a Redis 7.2.4" || r.Positions["db0"].Position.Offset == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if f.Dump() != before {
		t.Error("something was written")
	}
}
