package object_test

import (
	"encoding/json"
	"testing"

	"pikabin/decode"
	"pikabin/encode/output/object"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

// driver is an output that is driven by hand, through several runs.
type driver struct {
	*testing.T
	server  *s3test.Server
	options string
	flags   map[string]string
	mem     *vfstest.Mem
	monitor *sinktest.Monitor
	note    json.RawMessage
	stop    chan struct{}
	state   string
	term    uint64 // of a state that several hosts share

	sink   sink.Resumable
	traits sink.Traits
	at     decode.Position
	errs   []error // of batches
}

func newDriver(t *testing.T, server *s3test.Server) *driver {
	t.Helper()
	return &driver{T: t, server: server, mem: vfstest.New(), monitor: &sinktest.Monitor{}, stop: make(chan struct{}), state: "state"}
}

// open begins a run.
func (d *driver) open() error {
	d.Helper()
	to, err := sinktest.Open(d.T, object.Type, d.server.Target(prefix, d.options), d.flags, sink.Env{
		Disk: d.mem, Ext: ".jsonl", Content: "text/plain", Resume: true, Note: d.note, State: d.state, Monitor: d.monitor, Stop: d.stop,
		Term: d.term, Host: "host",
	})
	if err == nil {
		d.sink, d.traits = to.Sink.(sink.Resumable), to.Traits
	}
	return err
}

func (d *driver) mustOpen() {
	d.Helper()
	if err := d.open(); err != nil {
		d.Fatal(err)
	}
}

// write hands over an event.
func (d *driver) write(text string) {
	d.Helper()
	b := &sink.Batch{Log: &decode.Log{DB: "db0", Slot: -1}, Data: []byte(text), Begin: d.at}
	d.at.Offset += 100
	b.End = d.at
	d.sink.Write(d.Context(), b, func(err error) {
		if err != nil {
			d.errs = append(d.errs, err)
		}
	})
}

// part writes an event that is a part of its own, and saves it.
func (d *driver) part(text string) {
	d.Helper()
	d.write(text)
	d.save(sink.Roll)
}

func (d *driver) save(m sink.Moment) {
	d.Helper()
	n, err := d.sink.Flush(d.Context(), m)
	if err != nil {
		d.Fatal(err)
	}
	if d.note, err = json.Marshal(n); err != nil {
		d.Fatal(err)
	}
	if err := d.sink.Saved(d.Context(), n); err != nil {
		d.Fatal(err)
	}
}

// end ends a run as it should.
func (d *driver) end() {
	d.Helper()
	d.save(sink.End)
	if err := d.sink.Close(d.Context()); err != nil {
		d.Fatal(err)
	}
}

// leave ends a run as a crash would, but for what is on the disk.
func (d *driver) leave() {
	d.Helper()
	_ = d.sink.Close(d.Context())
	d.mem = d.mem.Restart()
}

// failure waits for the error that ends the run.
func (d *driver) failure() error { return <-d.traits.Failed }

// objects are the contents of the parts.
func (d *driver) objects() map[string]string {
	files := bucket{d.server}.Files()
	delete(files, ".pikabin.owner")
	return files
}
