package cli_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli"
	"pikabin/encode/cli/exit"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/s3test"
)

// verifyOutput runs the command, and gives its exit code and what it prints.
func verifyOutput(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(append([]string{"verify-output", "-q"}, args...), &stdout, &stderr, "")
	return code, stdout.String() + stderr.String()
}

// written are ways to write: what is named, and flags.
func written() map[string][]string {
	ways := map[string][]string{
		"file.jsonl": {}, "file.jsonl.zst": {}, "file.jsonl.gz": {}, "file.pb": {"-f", "protobuf"}, "file.pb.zst": {"-f", "protobuf"}, "file.avro": {"-f", "avro"},
		"base64.jsonl": {"--bytes", "base64"}, "base64.csv": {"-f", "csv", "--bytes", "base64"}, "file.csv.gz": {"-f", "csv"}, "file.msgpack.zst": {"-f", "msgpack"},
	}
	for _, format := range []string{"avro", "csv", "jsonl", "msgpack", "parquet", "protobuf"} {
		ways[format+"-parts/"] = []string{"-f", format, "--roll-size", "30KiB"}
		ways[format+"-hive/"] = []string{"-f", format, "--partition", "hive", "--compress", "zstd"}
	}
	ways["parquet-times/"] = []string{"-f", "parquet", "--timestamps"}
	return ways
}

// TestVerifyOutput: what convert writes of every fixture is what the log says, in every format, compression and partition.
func TestVerifyOutput(t *testing.T) {
	eachFolder(t, func(t *testing.T, f binlogtest.Fixture, from string) {
		t.Helper()
		out, n := t.TempDir(), bytes.Count(convert(t, from), []byte("\n"))
		ways := written()
		for i, name := range slices.Sorted(maps.Keys(ways)) {
			dir := filepath.Base(from)
			if (f.Name != "4.0.1-everytype" || dir != "log") && (i+len(f.Name+dir))%7 > 0 { // each way for some of them
				continue
			}
			flags := ways[name]
			convert(t, append([]string{from, "-q", "-o", out + "/" + name}, flags...)...)
			code, text := verifyOutput(t, from, out+"/"+name)
			if want := fmt.Sprintf("%d events are equal: the output is what the log says\n", n); code != 0 || text != want {
				t.Errorf("%s: exit code %d: %s", name, code, text)
			}
		}
	})
}

// TestVerifyOutputBucket reads back from a bucket what tail would have a folder hold: each format, with partitions and without, and an object that is
// missing or cut is named.
func TestVerifyOutputBucket(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	from, s := filepath.Join(binlogtest.Testdata(t), "4.0.1-everytype", "log"), s3test.Start(t)
	n := bytes.Count(convert(t, from), []byte("\n"))
	for name, flags := range written() {
		if !strings.HasSuffix(name, "/") {
			continue
		}
		target := s.Target(name, "")
		convert(t, append([]string{from, "-q", "-o", target}, flags...)...)
		if code, text := verifyOutput(t, from, target); code != 0 || !strings.HasPrefix(text, fmt.Sprintf("%d events are equal", n)) {
			t.Errorf("%s: exit code %d: %s", name, code, text)
		}
	}
	const prefix = "parquet-parts/"
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Objects())), func(key string) bool { return !strings.HasPrefix(key, prefix+"db") })
	s.Put(keys[1], string(s.Objects()[keys[1]].Content[:2000]))
	if code, text := verifyOutput(t, from, s.Target(prefix, "")); code != exit.Differs || !strings.Contains(text, "unreadable: ") || !strings.Contains(text, "s3://bucket/"+keys[1]) {
		t.Errorf("cut: exit code %d: %s", code, text)
	}
	s.Script(func(_ int, what string) s3test.Answer {
		if strings.HasPrefix(what, "GET "+prefix) {
			return s3test.Denied
		}
		return s3test.Answer{}
	})
	if code, text := verifyOutput(t, from, s.Target(prefix, "")); code != exit.Sink || !strings.Contains(text, "reading s3://bucket/"+keys[0]) || strings.Contains(text, "writing the output") {
		t.Errorf("no right: exit code %d: %s", code, text)
	}
	s.Script(nil)
	s.Remove(keys[1])
	if code, text := verifyOutput(t, from, s.Target(prefix, "")); code != exit.Differs || !strings.Contains(text, "missing: ") {
		t.Errorf("removed: exit code %d: %s", code, text)
	}
	if code, text := verifyOutput(t, from, strings.Replace(s.Target(prefix, ""), "bucket", "nobucket", 1)); code != exit.Sink || !strings.Contains(text, "make the bucket") {
		t.Errorf("no bucket: exit code %d: %s", code, text)
	}
}

// TestVerifyOutputCopy compares the copy of a folder that compact has made in a bucket: of all there is of each format that can be merged.
func TestVerifyOutputCopy(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	from, s := filepath.Join(binlogtest.Testdata(t), "3.3.6-rotate-tiny", "log"), s3test.Start(t)
	for _, format := range []string{"jsonl", "avro", "parquet", "protobuf"} {
		dir, target := filepath.Join(t.TempDir(), "table")+"/", s.Target(format+"/", "")
		convert(t, from, "-q", "-f", format, "--partition", "hive", "--roll-size", "2KB", "-o", dir)
		for _, want := range []string{" became 1 object of ", ""} {
			stdout, stderr := &bytes.Buffer{}, &bytes.Buffer{}
			code := cli.Run([]string{"compact", dir, "--to", target, "--older-than", "0s"}, stdout, stderr, "")
			if code != 0 || !strings.Contains(stdout.String(), want) || want == "" && stdout.Len() > 0 {
				t.Errorf("%s: exit code %d: %s%s", format, code, stdout, stderr)
			}
		}
		if code, text := verifyOutput(t, from, target); code != 0 || !strings.Contains(text, "the output is what the log says") {
			t.Errorf("%s: exit code %d: %s", format, code, text)
		}
	}
}

// TestVerifyOutputSelection compares with the same selection, and finds that another one was made.
func TestVerifyOutputSelection(t *testing.T) {
	from, out := filepath.Join(binlogtest.Testdata(t), "4.0.1-everytype", "log"), t.TempDir()
	db0 := filepath.Join(from, "log_db0")
	for i, c := range []struct{ made, compared []string }{
		{[]string{from, "--key", "e*"}, []string{from, "--key", "e*"}},
		{[]string{from, "--args"}, []string{from, "--args"}},
		{[]string{from, "--limit", "40"}, []string{from, "--limit", "40"}},
		{[]string{db0}, []string{db0, "--from", "0:506", "--until", "0:8302"}},
		{[]string{db0, "--from", "0:506"}, []string{db0, "--from", "0:506"}},
		{[]string{from, "-f", "protobuf"}, []string{from, "-f", "protobuf"}},
	} {
		file := filepath.Join(out, strconv.Itoa(i))
		convert(t, append(slices.Clone(c.made), "-q", "-o", file)...)
		if !slices.Contains(c.compared, "-f") {
			c.compared = append(c.compared, "-f", "jsonl")
		}
		if code, text := verifyOutput(t, append(c.compared, file)...); code != 0 {
			t.Errorf("%v: exit code %d: %s", c.made, code, text)
		}
	}
	parts := out + "/parts/"
	db0 = filepath.Join(binlogtest.Testdata(t), "3.3.6-rotate-tiny", "log", "log_db0")
	convert(t, db0, "-q", "-o", parts)
	for _, part := range globbed(t, parts+"*") { // from the beginning of each part on, and from the one before it
		name, _ := folder.ParsePartName(part)
		code, text := verifyOutput(t, db0, parts, "--from", name.At.String())
		if next, more := verifyOutput(t, db0, parts, "--until", name.At.String()); code != 0 || next != 0 {
			t.Errorf("%s: exit codes %d and %d: %s%s", part, code, next, text, more)
		}
	}
	if code, text := verifyOutput(t, from, "-f", "jsonl", filepath.Join(out, "0")); code != exit.Differs || !strings.Contains(text, "missing") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

// TestVerifyOutputParts damages the parts of folders, each of which is found and named.
func TestVerifyOutputParts(t *testing.T) {
	from := filepath.Join(binlogtest.Testdata(t), "4.0.1-everytype", "log")
	other := filepath.Join(binlogtest.Testdata(t), "3.5.5-everytype", "log")
	for _, format := range sample.Of([]string{"avro", "csv", "jsonl", "msgpack", "parquet", "protobuf"}, 2) {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			parts := func(source string) (string, []string) {
				dir := t.TempDir() + "/"
				convert(t, source, "-q", "-f", format, "-o", dir, "--roll-size", "30KiB")
				return dir, globbed(t, dir+"db*")
			}
			check := func(dir, want string) {
				if code, text := verifyOutput(t, from, dir); code != exit.Differs || !strings.Contains(text, want) {
					t.Errorf("exit code %d, want %q: %s", code, want, text)
				}
			}
			dir, names := parts(from)
			hidden := dir + "." + filepath.Base(names[1]) + ".part"
			must(t, os.Rename(names[1], hidden))
			check(dir, "missing: ")
			check(dir, "parts that are not complete, such as "+hidden)
			dir, names = parts(from)
			must(t, os.Truncate(names[1], 2000))
			check(dir, "unreadable: ")
			dir, names = parts(from)
			must(t, os.WriteFile(strings.Replace(names[1], ".", "~1.", 1), readFile(t, names[1]), 0o600))
			check(dir, "repeated: it comes again")
			dir, names = parts(from)
			must(t, os.WriteFile(strings.Replace(names[0], "/db0-", "/db9-", 1), readFile(t, names[0]), 0o600))
			check(dir, "foreign: the logs that are compared have no such DB")
			dir, names = parts(from)
			must(t, os.Link(names[0], dir+"copy"+filepath.Ext(names[0])))
			check(dir, "foreign: no run has given it this name")
			dir, names = parts(from)
			must(t, os.Symlink(names[1], strings.Replace(names[1], ".", "~1.", 1)))
			check(dir, "repeated: it comes again")
			dir, names = parts(from)
			_, others := parts(other)
			must(t, os.WriteFile(strings.Replace(names[0], ".", "~1.", 1), readFile(t, others[0]), 0o600))
			check(dir, "is not what the log says")
		})
	}
}

func globbed(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < 3 {
		t.Fatalf("%d parts: %v", len(names), err)
	}
	return names
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestVerifyOutputRefuses what cannot be compared.
func TestVerifyOutputRefuses(t *testing.T) {
	from, dir := filepath.Join(binlogtest.Testdata(t), "4.0.1-everytype", "log"), t.TempDir()
	must(t, os.WriteFile(dir+"/x", nil, 0o600))
	for want, args := range map[string][]string{
		"do not say where in the log": {from, "-f", "resp", dir + "/x"},
		"does not tell the format":    {from, dir + "/x"},
		"is a folder: name it":        {from, dir},
		"cannot be read back":         {from, "redis://127.0.0.1:1/0"},
		"not read back from Kafka":    {from, "-f", "csv", "kafka://127.0.0.1:1/t"},
		"there is no option":          {from, "kafka://127.0.0.1:1/t?nothing=1"},
	} {
		if code, text := verifyOutput(t, args...); code != exit.Usage || !strings.Contains(text, want) {
			t.Errorf("%v: exit code %d: %s", args, code, text)
		}
	}
}
