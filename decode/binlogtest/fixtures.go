package binlogtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"pikabin/decode"
)

// Fixture is one case of testdata: what a real server of one version left on its disk. See
// testdata/README.md.
type Fixture struct {
	Name       string // "4.0.1-everytype"
	Version    string // "4.0.1"
	Generation decode.Generation
	Dir        string // absolute path of the case
	Logs       []LogFixture
}

// LogFixture is one log of a case: a manifest with its segments and the records in them.
type LogFixture struct {
	Name       string // of the case and of the folder in it: "4.0.1-everytype/log/log_db0"
	Version    string
	Generation decode.Generation
	DB         string // "db0" also where the folder does not name it
	Slot       int    // in sharding mode, else -1
	Dir        string // absolute path, of compressed files; see Unpack
}

// FixtureRecord is one command, or one piece of filler, as an independent reader found it. What
// the version does not store is zero.
type FixtureRecord struct {
	Segment  uint32   `json:"segment"`
	Offset   int64    `json:"offset"` // of the first physical header
	Next     int64    `json:"next"`   // after the record
	Prev     int64    `json:"prev"`   // the end of the record before it in the same segment
	Time     int64    `json:"time"`   // of the item header, or as PTime where there is none
	PTime    int64    `json:"ptime"`  // of the first physical header
	Term     uint32   `json:"term"`   // the server id before 3.3
	LogicID  uint64   `json:"logic_id"`
	FileNum  uint32   `json:"filenum"`    // segment in the item header
	HdrOff   int64    `json:"hdr_offset"` // offset in the item header
	Argv     [][]byte `json:"argv_b64"`   // without the extra arguments of 2.3
	Kind     string   `json:"kind"`       // "command", or "padding" for filler and padding items
	Sub      int      `json:"sub"`        // counts the commands of a record that has several
	ServerID string   `json:"server_id"`  // 2.3: the second extra argument
	Hub      string   `json:"hub"`        // 2.3: the fourth extra argument
	Note     string   `json:"note"`       // what sort of padding
}

// FixtureCommand is one command as it was sent. Replies are those of the client library, not of the wire.
type FixtureCommand struct {
	DB    int
	Argv  [][]byte // nil for a SELECT
	Reply json.RawMessage
}

// FixtureTTL is one command with a deadline, and what the server said of its key right after.
type FixtureTTL struct {
	DB         string     `json:"db"`
	Argv       []string   `json:"argv"`
	Key        string     `json:"key"`
	Before     [][]string `json:"before"` // commands sent to the key before
	SentAt     int64      `json:"sent_at_ms"`
	TTL        int64      `json:"ttl"`
	ReadAt     int64      `json:"read_at_ms"`
	PTTL       int64      `json:"pttl"`
	PTTLReadAt int64      `json:"pttl_read_at_ms"`
	Deadline   *int64     `json:"deadline_by_log_ms"` // unix milliseconds that follow from the log, nil for none
	Exists     bool       `json:"exists_by_log"`
	Agrees     bool       `json:"agrees"` // false where the server is at odds with its own log
}

// Testdata is the absolute path of a file or folder in the testdata folder at the root of the module.
func Testdata(tb testing.TB, elem ...string) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(append([]string{dir, "testdata"}, elem...)...)
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("no go.mod in any folder above the test")
		}
	}
}

var caseName = regexp.MustCompile(`^(\d+\.\d+\.\d+)-[a-z-]+$`)

// Fixtures lists the cases of testdata, by name. With -short it is a sample: the newest case of each kind, and of the kind that has every type the
// newest of each generation.
func Fixtures(tb testing.TB) (list []Fixture) {
	tb.Helper()
	all := allFixtures(tb)
	if !testing.Short() {
		return all
	}
	seen := map[string]bool{}
	for _, f := range slices.Backward(all) {
		kind := strings.TrimPrefix(f.Name, f.Version)
		if kind == "-everytype" {
			kind += fmt.Sprint(f.Generation)
		}
		if !seen[kind] {
			list = append(list, f)
		}
		seen[kind] = true
	}
	slices.Reverse(list)
	return list
}

func allFixtures(tb testing.TB) (list []Fixture) {
	tb.Helper()
	entries, err := os.ReadDir(Testdata(tb))
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		if m := caseName.FindStringSubmatch(e.Name()); m != nil {
			list = append(list, newFixture(tb, e.Name(), m[1]))
		}
	}
	return list
}

// FixtureNamed is the case of that name, such as "4.0.1-everytype".
func FixtureNamed(tb testing.TB, name string) Fixture {
	tb.Helper()
	for _, f := range allFixtures(tb) {
		if f.Name == name {
			return f
		}
	}
	tb.Fatalf("testdata has no case %s", name)
	return Fixture{}
}

// FixtureLogs lists the logs of those cases.
func FixtureLogs(tb testing.TB) (list []LogFixture) {
	tb.Helper()
	for _, f := range Fixtures(tb) {
		list = append(list, f.Logs...)
	}
	return list
}

// FixtureLog is the log of that name, such as "4.0.1-everytype/log/log_db0".
func FixtureLog(tb testing.TB, name string) LogFixture {
	tb.Helper()
	for _, f := range allFixtures(tb) {
		for _, l := range f.Logs {
			if l.Name == name {
				return l
			}
		}
	}
	tb.Fatalf("testdata has no log %s", name)
	return LogFixture{}
}

func newFixture(tb testing.TB, name, version string) Fixture {
	tb.Helper()
	g, err := decode.ParseGeneration(version)
	if err != nil {
		tb.Fatal(err)
	}
	f := Fixture{Name: name, Version: version, Generation: g, Dir: Testdata(tb, name)}
	for _, path := range filesBelow(tb, f.Dir, "manifest") {
		dir := filepath.Dir(path)
		l := LogFixture{Version: version, Generation: g, Dir: filepath.Join(f.Dir, dir), Slot: -1, DB: "db0"}
		l.Name = name + "/" + filepath.ToSlash(dir)
		l.setDB()
		f.Logs = append(f.Logs, l)
	}
	return f
}

var dbFolder = regexp.MustCompile(`/log_(db\d+)(?:/(\d+))?$`)

func (l *LogFixture) setDB() {
	m := dbFolder.FindStringSubmatch(l.Name)
	if m == nil {
		return
	}
	l.DB = m[1]
	if slot, err := strconv.Atoi(m[2]); err == nil {
		l.Slot = slot
	}
}

// Unpack puts the case into a temporary folder, as the server left it: segments and manifests, and
// nothing else. It returns that folder, in which "log", "log-live" and so on lie.
func (f Fixture) Unpack(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, l := range f.Logs {
		l.unpack(tb, filepath.Join(dir, f.below(l)))
	}
	return dir
}

// UnpackFolder unpacks one of the folders of the case, such as "log-live", and gives its path.
func (f Fixture) UnpackFolder(tb testing.TB, name string) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, l := range f.Logs {
		if below := f.below(l); below == name || strings.HasPrefix(below, name+string(filepath.Separator)) {
			l.unpack(tb, filepath.Join(dir, below))
		}
	}
	return filepath.Join(dir, name)
}

// below is where in the folder of the case a log of it lies.
func (f Fixture) below(l LogFixture) string {
	return filepath.FromSlash(strings.TrimPrefix(l.Name, f.Name+"/"))
}

// Commands are the commands that were sent, in that order; nil where the case does not say.
func (f Fixture) Commands(tb testing.TB) []FixtureCommand {
	tb.Helper()
	type line struct {
		DB    int             `json:"db"`
		Argv  []fixtureArg    `json:"argv"`
		Args  []fixtureArg    `json:"args"` // its name in the cases of 3.5 and 4.0
		Reply json.RawMessage `json:"reply"`
	}
	var list []FixtureCommand
	for _, l := range readLines[line](tb, filepath.Join(f.Dir, "commands.jsonl.zst")) {
		c := FixtureCommand{DB: l.DB, Reply: l.Reply}
		for _, arg := range append(l.Argv, l.Args...) {
			c.Argv = append(c.Argv, arg)
		}
		list = append(list, c)
	}
	return list
}

// TTL is what the server said of deadlines; nil but in the ttl cases.
func (f Fixture) TTL(tb testing.TB) []FixtureTTL {
	tb.Helper()
	lists := readLines[[]FixtureTTL](tb, filepath.Join(f.Dir, "ttl.json.zst"))
	return slices.Concat(lists...)
}

// Unpack puts the log into a temporary folder, as the server left it.
func (l LogFixture) Unpack(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	l.unpack(tb, dir)
	return dir
}

func (l LogFixture) unpack(tb testing.TB, dir string) {
	tb.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		tb.Fatal(err)
	}
	files := append(l.Segments(tb), Segment{Bytes: l.Manifest(tb)})
	for i, s := range files {
		name := SegmentName(s.Number)
		if i == len(files)-1 {
			name = "manifest"
		}
		if err := writeFile(dir, name, s.Bytes); err != nil {
			tb.Fatal(err)
		}
	}
}

// Manifest is the manifest file.
func (l LogFixture) Manifest(tb testing.TB) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(l.Dir, "manifest"))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Segments are the segment files, by number.
func (l LogFixture) Segments(tb testing.TB) []Segment {
	tb.Helper()
	var list []Segment
	for _, path := range filesBelow(tb, l.Dir, "write2file*.zst") {
		digits := strings.TrimSuffix(strings.TrimPrefix(path, "write2file"), ".zst")
		number, err := strconv.ParseUint(digits, 10, 32)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, Segment{Number: uint32(number), Bytes: readZstd(tb, filepath.Join(l.Dir, path))})
	}
	slices.SortFunc(list, func(a, b Segment) int { return int(a.Number) - int(b.Number) })
	return list
}

// Records are the committed records, in log order: one for each command.
func (l LogFixture) Records(tb testing.TB) []FixtureRecord {
	tb.Helper()
	return readLines[FixtureRecord](tb, filepath.Join(l.Dir, "records.jsonl.zst"))
}

// fixtureArg is a string of ASCII, or an object with base64.
type fixtureArg []byte

// UnmarshalJSON reads either form.
func (a *fixtureArg) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("{")) {
		var binary struct {
			B64 []byte `json:"b64"`
		}
		err := json.Unmarshal(b, &binary)
		*a = binary.B64
		return err
	}
	var text string
	err := json.Unmarshal(b, &text)
	*a = []byte(text)
	return err
}

// filesBelow lists the files below dir whose name matches, as paths below dir.
func filesBelow(tb testing.TB, dir, pattern string) []string {
	tb.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ok, err := filepath.Match(pattern, d.Name())
		if !ok || err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		list = append(list, rel)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// readLines decodes the JSON values of a compressed file; nil if there is no such file.
func readLines[T any](tb testing.TB, path string) []T {
	tb.Helper()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(readZstd(tb, path)))
	var list []T
	for d.More() {
		var v T
		if err := d.Decode(&v); err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
		list = append(list, v)
	}
	return list
}

func readZstd(tb testing.TB, path string) []byte {
	tb.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	defer d.Close()
	b, err := d.DecodeAll(packed, nil)
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	return b
}
