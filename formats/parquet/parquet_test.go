package parquet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"pikabin/decode"
	"pikabin/formats/formattest"
	"pikabin/formats/parquet"
	"pikabin/formats/protobuf"
)

// spoolOf are changes as an open part holds them, and where each ends.
func spoolOf(changes []*decode.Change) (data []byte, ends []int) {
	enc := protobuf.New(protobuf.Options{})
	for _, c := range changes {
		data = enc.AppendChange(data, c)
		ends = append(ends, len(data))
	}
	return data, ends
}

// cases are the changes of formattest.
func cases() []*decode.Change {
	var list []*decode.Change
	for _, c := range formattest.Changes() {
		list = append(list, c.Change)
	}
	return list
}

func seal(t *testing.T, spool []byte, o parquet.Options) []byte {
	t.Helper()
	if o.Codec == "" {
		o.Codec, o.Level = "zstd", 1
	}
	s, err := parquet.NewSealer(o)
	if err != nil {
		t.Fatal(err)
	}
	return formattest.Sealed(t, s, spool)
}

func open(t *testing.T, file []byte) *library.File {
	t.Helper()
	f, err := library.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// row is a row as the library reads it.
type row struct {
	DB        *string   `parquet:"db"`
	Slot      *int64    `parquet:"slot"`
	Segment   int64     `parquet:"segment"`
	Offset    int64     `parquet:"offset"`
	End       *int64    `parquet:"end"`
	Part      *int64    `parquet:"part"`
	Parts     *int64    `parquet:"parts"`
	LogicID   *int64    `parquet:"logic_id"`
	Term      *int64    `parquet:"term"`
	ServerID  *int64    `parquet:"server_id"`
	TS        *int64    `parquet:"ts"`
	Time      *int64    `parquet:"time"`
	Op        *string   `parquet:"op"`
	Type      *string   `parquet:"type"`
	Cmd       *string   `parquet:"cmd"`
	Key       *[]byte   `parquet:"key"`
	Value     *[]byte   `parquet:"value"`
	Elements  []element `parquet:"elements,optional,list"`
	EntryID   *string   `parquet:"entry_id"`
	Delta     *string   `parquet:"delta"`
	Epoch     *int64    `parquet:"epoch"`
	ExpireAt  *int64    `parquet:"expire_at_ms"`
	Precision *string   `parquet:"expire_precision"`
	Effect    *string   `parquet:"effect"`
	Args      [][]byte  `parquet:"args,optional,list"`
	Scope     *string   `parquet:"scope"`
	From      *string   `parquet:"from"`
	To        *string   `parquet:"to"`
	Reason    *string   `parquet:"reason"`
}

type element struct {
	Field *[]byte `parquet:"field"`
	Value *[]byte `parquet:"value"`
	Score *string `parquet:"score"`
}

// read gives the rows of a file, without their nulls.
func read(t *testing.T, file []byte) []map[string]any {
	t.Helper()
	rows, err := library.Read[row](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	list := make([]map[string]any, len(rows))
	for i := range rows {
		list[i] = fields(reflect.ValueOf(rows[i]))
	}
	return list
}

// fields are those of a struct that are not null, by the names of their columns.
func fields(v reflect.Value) map[string]any {
	all := map[string]any{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("parquet"), ",")
		switch f := v.Field(i); {
		case f.Kind() == reflect.Pointer && !f.IsNil():
			all[name] = f.Elem().Interface()
		case f.Kind() == reflect.Slice && f.Len() > 0:
			all[name] = items(f)
		case f.Kind() == reflect.Int64:
			all[name] = f.Int()
		}
	}
	return all
}

func items(list reflect.Value) []any {
	var all []any
	for i := range list.Len() {
		if item := list.Index(i); item.Kind() == reflect.Struct {
			all = append(all, fields(item))
		} else {
			all = append(all, append([]byte{}, item.Bytes()...))
		}
	}
	return all
}

func TestEqualsJSONL(t *testing.T) {
	for _, codec := range parquet.Codecs {
		checkEqual(t, cases(), parquet.Options{Codec: codec, Level: 1, RowGroup: 1 << 20})
	}
	checkEqual(t, formattest.FixtureChanges(t), parquet.Options{})
}

// checkEqual wants the rows of a file to be what JSON lines say of the changes.
func checkEqual(t *testing.T, changes []*decode.Change, o parquet.Options) {
	t.Helper()
	spool, _ := spoolOf(changes)
	rows := read(t, seal(t, spool, o))
	if len(rows) != len(changes) {
		t.Fatalf("%d rows of %d changes", len(rows), len(changes))
	}
	for i, c := range changes {
		formattest.CompareColumns(t, c, rows[i])
	}
}

func TestColumns(t *testing.T) {
	spool, _ := spoolOf(cases())
	all := read(t, seal(t, spool, parquet.Options{}))
	for _, o := range []parquet.Options{{}, {NoDB: true}, {Timestamps: true}, {NoDB: true, Timestamps: true}} {
		file := seal(t, spool, o)
		_, hasDB := open(t, file).Schema().Lookup("db")
		_, hasTime := open(t, file).Schema().Lookup("time")
		if hasDB == o.NoDB || hasTime != o.Timestamps {
			t.Errorf("%+v: db is there: %t, time: %t", o, hasDB, hasTime)
		}
		for i, r := range read(t, file) {
			ts, ok := r["ts"].(int64)
			if time, has := r["time"].(int64); has && time != ts*1e6 || has && !ok || !has && ok && o.Timestamps && ts < 1<<40 && ts > -1<<40 {
				t.Errorf("%+v: ts %v, time %v", o, r["ts"], r["time"])
			}
			delete(r, "time")
			if o.NoDB {
				r["db"] = all[i]["db"]
			}
			if !reflect.DeepEqual(r, all[i]) {
				t.Errorf("%+v: row %d is %v, with other columns %v", o, i, r, all[i])
			}
		}
	}
}

// TestRuns puts runs of changes after each other, so that what is absent in one kind of row comes after values of another at every place of a batch.
func TestRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	kinds := cases()
	kinds = slices.DeleteFunc(kinds, func(c *decode.Change) bool { return len(c.Value)+len(c.Argv)*10 > 10_000 })
	for range 30 {
		var changes []*decode.Change
		for len(changes) < 400 {
			changes = append(changes, slices.Repeat(kinds[random.IntN(len(kinds)):][:1], 1+random.IntN(1+random.IntN(70)))...)
		}
		spool, _ := spoolOf(changes)
		for i, row := range read(t, seal(t, spool, parquet.Options{Codec: "none"})) {
			formattest.CompareColumns(t, changes[i], row)
		}
	}
}

// TestFooter looks at what readers other than the library's stumble over, and at the metadata.
func TestFooter(t *testing.T) {
	spool, _ := spoolOf(cases())
	meta := open(t, seal(t, spool, parquet.Options{Version: "v1", RowGroup: 1 << 20})).Metadata()
	for _, el := range meta.Schema {
		if el.TypeLength.Valid && el.Type.V != format.FixedLenByteArray {
			t.Errorf("column %s has a type_length: Hive does not read it", el.Name)
		}
	}
	want := "[{pikabin.db db0} {pikabin.epoch 8} {pikabin.first 12:4096} {pikabin.last 14:0} {pikabin.rows 229} {pikabin.schema 1}] pikabin version v1(build )"
	if got := fmt.Sprint(meta.KeyValueMetadata, " ", meta.CreatedBy); got != want {
		t.Errorf("metadata %s, want %s", got, want)
	}
}

func TestNoRows(t *testing.T) {
	if rows := read(t, seal(t, nil, parquet.Options{})); len(rows) != 0 {
		t.Errorf("%d rows of nothing", len(rows))
	}
}

func TestSameBytes(t *testing.T) {
	spool, _ := spoolOf(formattest.FixtureChanges(t))
	var want []byte
	for _, workers := range []int{1, 2, 4} {
		file := seal(t, spool, parquet.Options{Workers: workers, RowGroup: 16 << 10})
		if want == nil {
			want = file
		}
		if !bytes.Equal(file, want) {
			t.Errorf("%d workers: other bytes", workers)
		}
	}
	if n := len(open(t, want).RowGroups()); n < 10 {
		t.Errorf("%d row groups only", n)
	}
}

// TestSeveralFiles makes files at the same time, beside some that fail: each has the bytes that it has alone.
func TestSeveralFiles(t *testing.T) {
	changes := formattest.FixtureChanges(t)
	ended, end := context.WithCancel(t.Context())
	end()
	for _, workers := range []int{1, 2} {
		o := parquet.Options{Workers: workers, RowGroup: 4 << 10, Codec: "zstd", Level: 1}
		s, err := parquet.NewSealer(o)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 6 {
			spool, _ := spoolOf(changes[:len(changes)>>i])
			want := seal(t, spool, o)
			wg.Go(func() {
				var file bytes.Buffer
				if err := s.Seal(t.Context(), bytes.NewReader(spool), &file); err != nil || !bytes.Equal(file.Bytes(), want) {
					t.Errorf("%d workers, file %d: other bytes, or %v", workers, i, err)
				}
			})
			wg.Go(func() {
				if err := s.Seal(t.Context(), bytes.NewReader(spool), &full{0}); !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("%d workers, no room: %v", workers, err)
				}
			})
			wg.Go(func() {
				if err := s.Seal(ended, bytes.NewReader(spool), io.Discard); !errors.Is(err, context.Canceled) {
					t.Errorf("%d workers, canceled: %v", workers, err)
				}
			})
		}
		wg.Wait()
	}
}

// TestSpoolCutShort seals a part that ends at any byte: what is whole becomes a file, the rest is an error.
func TestSpoolCutShort(t *testing.T) {
	spool, ends := spoolOf(formattest.FixtureChanges(t)[:6])
	s, err := parquet.NewSealer(parquet.Options{Codec: "none"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(spool) + 1 {
		err := s.Seal(t.Context(), bytes.NewReader(spool[:n]), io.Discard)
		if whole := n == 0 || slices.Contains(ends, n); whole != (err == nil) {
			t.Fatalf("%d bytes of %d, whole: %t, %v", n, len(spool), whole, err)
		}
	}
}

// TestSealFails hands on the errors of the disk, at each write.
func TestSealFails(t *testing.T) {
	spool, _ := spoolOf(formattest.FixtureChanges(t)[:50])
	s, err := parquet.NewSealer(parquet.Options{Codec: "none", RowGroup: 1 << 10, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		err := s.Seal(t.Context(), bytes.NewReader(spool), &full{n})
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("write %d: %v", n, err)
		}
	}
}

// full is a disk that takes some writes.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, syscall.ENOSPC
	}
	return len(b), nil
}

// FuzzSeal seals what is no part, which must be an error or a file with so many rows.
func FuzzSeal(f *testing.F) {
	spool, _ := spoolOf(cases()[:20])
	f.Add(spool)
	f.Add([]byte{3, 0x60, 2, 0x7b})
	f.Add([]byte{9, 0x60, 2, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0}) // a field of a number that there cannot be
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parquet.NewSealer(parquet.Options{Codec: "none"})
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if s.Seal(t.Context(), bytes.NewReader(data), &file) == nil {
			open(t, file.Bytes())
		}
	})
}

func TestRefusesCodec(t *testing.T) {
	if _, err := parquet.NewSealer(parquet.Options{Codec: "deflate"}); err == nil {
		t.Error("deflate was taken")
	}
}
