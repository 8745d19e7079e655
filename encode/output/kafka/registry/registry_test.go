package registry_test

import (
	"context"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"go.uber.org/goleak"

	"pikabin/encode/output/kafka/registry"
	"pikabin/encode/output/kafka/settings"
	"pikabin/formats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a registry in this process.
func fake(t *testing.T, opts ...srfake.Option) *srfake.Registry {
	t.Helper()
	reg := srfake.New(opts...)
	t.Cleanup(reg.Close)
	return reg
}

// silent is what a registry is called that has not answered.
const silent = "it does not answer"

// open makes a client of a format with the options of a URL. What it tells while it waits is in the text, and what it was answered calls heard.
func open(t *testing.T, format, options string, heard ...func()) (*registry.Registry, func() string) {
	t.Helper()
	o, err := settings.Parse("kafka://a:1/t?"+options, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := formats.Lookup(format)
	var told []string
	r, err := registry.Open(&o.Registry, format, f.Schema, func(err error) {
		if err != nil {
			told = append(told, err.Error())
		}
		if err == nil || strings.HasSuffix(err.Error(), silent) {
			return
		}
		for _, f := range heard {
			f()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, func() string { return strings.Join(told, "\n") }
}

// TestIDs puts the schema of each format into the registry, where a second run finds it.
func TestIDs(t *testing.T) {
	for format, want := range map[string]string{"avro": "000000000%d", "jsonl": "000000000%d", "protobuf": "000000000%d00"} {
		t.Run(format, func(t *testing.T) {
			reg := fake(t)
			first, _ := open(t, format, "registry="+reg.URL()+"&register-schemas")
			missing, err := first.Check(t.Context(), []string{"a", "b"})
			if err != nil || !slices.Equal(missing, []string{"a-value", "b-value"}) || reg.SubjectExists("a-value") {
				t.Fatalf("missing are %v, %v; nothing is there yet", missing, err)
			}
			if err := first.Register(t.Context(), []string{"a", "b"}); err != nil {
				t.Fatal(err)
			}
			second, _ := open(t, format, "registry="+reg.URL())
			for _, topic := range []string{"a", "b"} {
				stored, _ := reg.GetSchema(topic+"-value", 1)
				err := second.Register(t.Context(), []string{topic})
				got := second.LeadOf(topic)
				if want := fmt.Sprintf(want, stored.ID); err != nil || hex.EncodeToString(got) != want || len(second.Lead()) != len(got) {
					t.Errorf("%s: the lead is %x, %v; want %s", topic, got, err, want)
				}
			}
		})
	}
}

// TestProtobufMessage is the first one of its schema, which the lead says.
func TestProtobufMessage(t *testing.T) {
	f, _ := formats.Lookup("protobuf")
	_, rest, _ := strings.Cut(f.Schema, "\nmessage ")
	if !strings.HasPrefix(rest, "Change {") {
		t.Errorf("the first message is %.20q", rest)
	}
}

// script answers the requests that begin with METHOD PATH, as often as there are answers, each of which is a status and a body, or nothing to hang up.
// The last one is repeated.
func script(reg *srfake.Registry, request string, answers ...string) {
	var n atomic.Int64
	reg.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.Method+" "+r.URL.Path, request) {
			return false
		}
		i := min(int(n.Add(1)), len(answers)) - 1
		switch status, body, _ := strings.Cut(answers[i], " "); status {
		case "pass":
			return false
		case "":
			panic(http.ErrAbortHandler)
		case "slow":
			io.Copy(io.Discard, r.Body) //nolint:errcheck // after that the server sees when the client hangs up
			<-r.Context().Done()
		default:
			code := 0
			fmt.Sscan(status, &code) //nolint:errcheck // the test says a number
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
		return true
	})
}

// TestAnswers registers a schema at registries that do not answer as they should.
func TestAnswers(t *testing.T) {
	const lookup, register, compare = "POST /subjects/t-value", "POST /subjects/t-value/versions", "POST /compatibility/"
	for name, c := range map[string]struct {
		request string
		answers []string
		older   bool // there is another schema
		options string
		want    string
		refused bool
	}{
		"hangs up":           {request: lookup, answers: []string{"", "", "pass"}},
		"is away":            {request: lookup, answers: []string{"503 no", "429 later", "500 oh", "pass"}},
		"stays away":         {request: lookup, answers: []string{"503 nobody is here"}, want: "looking for the schema for subject t-value: nobody is here"},
		"is slow":            {request: lookup, answers: []string{"slow"}, want: "looking for the schema for subject t-value: " + silent},
		"unknown login":      {request: lookup, answers: []string{`401 {"error_code":401,"message":"who?"}`}, want: "it refuses the login, see the options registry-user and registry-token-file: who?"},
		"no right":           {request: register, answers: []string{`403 {"error_code":40301,"message":"no"}`}, want: "registering the schema for subject t-value: the user has no right to it: no"},
		"no registry":        {request: lookup, answers: []string{"404 <html>"}, want: "there is no registry at this address, which may need a path"},
		"not allowed to":     {options: "&register-schemas=false", want: "subject t-value does not have the schema of this pikabin: put it there (pikabin schema prints it), or let the option register-schemas", refused: true},
		"conflict":           {request: register, answers: []string{`409 {"error_code":409,"message":"a field is gone"}`}, want: "subject t-value does not take the schema of this pikabin after those that it has (a field is gone): write to another topic", refused: true},
		"invalid":            {request: register, answers: []string{`422 {"error_code":42201,"message":"a bad one"}`}, want: "subject t-value does not get the schema of this pikabin, which the registry does not take: a bad one", refused: true},
		"older one":          {older: true},
		"older one, refused": {older: true, request: compare, answers: []string{`200 {"is_compatible":false,"messages":["a field is gone","and one more"]}`}, want: "after those that it has (a field is gone; and one more): write", refused: true},
		"older one, why?":    {older: true, request: compare, answers: []string{`200 {"is_compatible":false}`}, want: "(the registry does not say why)", refused: true},
		"older one, gone":    {older: true, request: compare, answers: []string{`404 {"error_code":40402,"message":"gone"}`}},
		"older one, away":    {older: true, request: compare, answers: []string{"502 ", "pass"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := fake(t)
			if c.older {
				reg.SeedSchema("t-value", 1, 1, sr.Schema{Schema: `"string"`})
			}
			if c.request != "" {
				script(reg, c.request, c.answers...)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var heard []func()
			switch name {
			case "stays away":
				heard = append(heard, cancel) // the user has seen enough
			case "is slow":
				ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
				defer cancel()
			}
			r, told := open(t, "avro", "registry="+reg.URL()+"&register-schemas"+c.options, heard...)
			checkAnswer(t, r.Register(ctx, []string{"t"}), c.want, c.refused)
			version := 1
			if c.older {
				version = 2
			}
			if _, ok := reg.GetSchema("t-value", version); ok != (c.want == "") {
				t.Errorf("the schema is there: %t", ok)
			}
			if c.request == lookup && !strings.Contains(told(), "looking for the schema for subject t-value: "+silent) {
				t.Errorf("told %q", told())
			}
		})
	}
}

func checkAnswer(t *testing.T, err error, want string, refused bool) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, ok := errors.AsType[*registry.RefusedError](err); ok != refused {
		t.Errorf("%v is for the user to decide: %t", err, ok)
	}
}

// TestLogin shows secrets from the environment and from files to the registry, and to nobody else. A file may change during the run.
func TestLogin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "wrong")
	for name, c := range map[string]struct{ auth, options, password, token, after string }{
		"password":            {auth: "Basic bWU6aHVzaA==", options: "&registry-user=me", password: "hush"},
		"token":               {auth: "Bearer hush", token: "hush"},
		"password in a file":  {auth: "Basic bWU6aHVzaA==", options: "&registry-user=me&registry-password-file=" + file, after: "hush\n"},
		"token in a file":     {auth: "Bearer hush", options: "&registry-token-file=" + file, after: "hush\n"},
		"a file that is gone": {auth: "Bearer hush", options: "&registry-token-file=nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PIKABIN_KAFKA_REGISTRY_PASSWORD", c.password)
			t.Setenv("PIKABIN_KAFKA_REGISTRY_TOKEN", c.token)
			write(t, file, "wrong")
			reg := fake(t, srfake.WithAuth(c.auth))
			missing := name == "a file that is gone"
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var heard []func()
			if missing {
				heard = append(heard, cancel)
			}
			r, told := open(t, "avro", "register-schemas&registry="+reg.URL()+c.options, heard...)
			if c.after != "" {
				if err := r.Register(ctx, []string{"t"}); err == nil || !strings.Contains(err.Error(), "no right to it: User not authorized") {
					t.Errorf("with another secret: %v", err)
				}
				write(t, file, c.after)
			}
			err := r.Register(ctx, []string{"t"})
			if (err != nil) != missing || missing && !strings.Contains(err.Error(), "reading the secret: open nowhere") {
				t.Error(err)
			}
			if text := fmt.Sprint(err, told()); strings.Contains(text, "hush") || strings.Contains(text, "wrong") {
				t.Errorf("the secret is shown: %s", text)
			}
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTLS knows the registry by its authority. Without it the run does not wait for another answer.
func TestTLS(t *testing.T) {
	reg := srfake.NewRegistry()
	server := httptest.NewTLSServer(reg.Handler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	r, _ := open(t, "avro", "register-schemas&registry="+server.URL+"&registry-tls-ca="+file)
	if err := r.Register(t.Context(), []string{"t"}); err != nil {
		t.Error(err)
	}
	r, _ = open(t, "avro", "registry="+server.URL)
	if err := r.Register(t.Context(), []string{"t"}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

// TestMistakes are formats and files with which no run begins.
func TestMistakes(t *testing.T) {
	for options, c := range map[string]struct{ format, want string }{
		"registry=http://a":                         {"resp", "the option registry is for formats with a schema, avro, jsonl and protobuf, and the format is resp"},
		"registry=http://a&registry-tls-ca=nowhere": {"avro", "reading the authorities of registry-tls-ca: open nowhere"},
	} {
		o, err := settings.Parse("kafka://a:1/t?"+options, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := registry.Open(&o.Registry, c.format, "{}", nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", options, err, c.want)
		}
	}
	if r, err := registry.Open(&settings.Registry{}, "resp", "", nil); r != nil || err != nil {
		t.Errorf("without the option there is %v, %v", r, err)
	}
}
