package folder_test

import (
	"path/filepath"
	"strings"
	"testing"

	"pikabin/encode"
	"pikabin/encode/frame"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
	"pikabin/formats"
)

// TestSuite is what every output has to do.
func TestSuite(t *testing.T) {
	damages := map[string]sinktest.Damage{
		"a folder in use": {Change: func(mem *vfstest.Mem) { _, _ = mem.Lock("out/.pikabin.lock") }, Want: "by another process"},
	}
	flat, hive := map[string]string{"roll-size": "1500"}, map[string]string{"roll-size": "1500", "partition": "hive"}
	tells := map[string]string{"roll-size": "1500", "partition": "hive", "success-file": "true"}
	for _, s := range []sinktest.Suite{
		{Settings: flat},
		{Settings: flat, Compress: "zstd", Live: true},
		{Settings: flat, Compress: "gzip"},
		{Settings: tells},
		{Settings: hive, Compress: "zstd"},
		{Settings: hive, Compress: "gzip", Live: true},
		{Settings: flat, Framed: true},
		{Settings: hive, Framed: true, Live: true},
		{Settings: flat, Sealed: true},
		{Settings: hive, Sealed: true, Live: true},
		{Settings: flat, Shared: true},
		{Settings: hive, Compress: "zstd", Live: true, Shared: true},
		{Settings: hive, Sealed: true, Shared: true},
		{Settings: tells, Shared: true},
	} {
		s.Type, s.Target, s.Unordered = folder.Type, "out/", s.Settings["partition"] != ""
		if !s.Shared {
			s.Refuses = damages
		}
		s.Run(t)
	}
}

// TestFolderKeepsWhatIsNotItsOwn removes leftovers of its own, and nothing else.
func TestFolderKeepsWhatIsNotItsOwn(t *testing.T) {
	mem := vfstest.New()
	others := []string{"out/.hidden", "out/.x.part", "out/notes.txt", "out/.db0-12-4096.jsonl.part"}
	for _, name := range others {
		mem.WriteFile(name, []byte("mine"))
	}
	own := "out/.db0-0000000012-000000004096.jsonl.part"
	mem.WriteFile(own, []byte("left"))
	v, err := openFolder(t, mem, "state", nil)
	if err != nil {
		t.Fatal(err)
	}
	v.save(true)
	v.close()
	files := mem.Files()
	for _, name := range others {
		if files[name] != "mine" {
			t.Errorf("%s is gone", name)
		}
	}
	if _, ok := files[own]; ok {
		t.Errorf("%s is still there", own)
	}
}

// TestPartsBeginWithTheirDB makes every part of a format that needs it say whose it is.
func TestPartsBeginWithTheirDB(t *testing.T) {
	logs, _ := sinktest.HourlyLogs(t)
	format, _ := formats.Lookup("resp")
	for _, compress := range []string{"none", "zstd"} {
		c, err := frame.Parse(compress)
		if err != nil {
			t.Fatal(err)
		}
		o := encode.Options{Format: format, Compression: c}
		mem := vfstest.New()
		e := sink.Env{Disk: mem, Ext: format.Ext + c.Ext(), Header: o.Header()}
		if frames, err := c.NewCompressor(); err != nil || frames != nil {
			e.Frames = frames
		}
		to, err := sinktest.Open(t, folder.Type, "out/", map[string]string{"roll-size": "64KiB"}, e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := encode.Run(t.Context(), sinktest.PlansInTurn(t, logs, 1<<16), to, o); err != nil {
			t.Fatal(err)
		}
		checkSwitches(t, mem, compress)
	}
}

func checkSwitches(t *testing.T, mem *vfstest.Mem, compress string) {
	t.Helper()
	parts := 0
	for name, data := range mem.Files() {
		if strings.HasPrefix(filepath.Base(name), ".") {
			continue
		}
		parts++
		text := string(sinktest.Unpack(t, compress, [][]byte{[]byte(data)}))
		selects := strings.Count(text, "SELECT")
		if want := strings.HasPrefix(filepath.Base(name), "db1"); want != strings.HasPrefix(text, "*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n") || want != (selects == 1) {
			t.Errorf("%s: %d selects, begins with %.30q", name, selects, text)
		}
	}
	if parts < 4 {
		t.Errorf("%d parts", parts)
	}
}
