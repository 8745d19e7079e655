package pikamaster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/proto"

	"pikabin/decode"
)

// replay is what frames are made for: a log of a session, from a position on.
type replay struct {
	db      string
	session int32
	from    decode.Position
}

// frames are the messages of a log as they are on the wire, one after the other in a file: the kernel sends it without a copy.
type frames struct {
	path string
	list []frame
}

// frame is how long one message is, and the records in it.
type frame struct {
	size int64
	sent []sent
}

// framed puts the length in front of a message.
func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// replay gives the frames of a log.
func (m *Master) replay(e *entry, from decode.Position) (*frames, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := replay{e.db.Name, e.session, from}
	if f, ok := m.replays[key]; ok {
		return f, nil
	}
	r, err := openReader(e.db.Dir, from)
	if err != nil {
		return nil, err
	}
	defer r.close()
	f := &frames{path: filepath.Join(m.o.Replay, strconv.Itoa(len(m.replays)))}
	if err := f.make(&entry{m: m, db: e.db, session: e.session, reader: r, syncing: true}); err != nil {
		return nil, err
	}
	m.replays[key] = f
	return f, nil
}

// make writes the frames of all that there is.
func (f *frames) make(maker *entry) error {
	file, err := os.Create(f.path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	var b []byte
	for end := maker.db.end(); ; {
		if b, err = maker.encode(end); err != nil || b == nil {
			break
		}
		if _, err = w.Write(b); err != nil {
			break
		}
		f.list = append(f.list, frame{size: int64(len(b)), sent: maker.queue})
		maker.queue = nil
	}
	return errors.Join(err, w.Flush(), file.Close())
}

// encode makes the next frame; nil: there is nothing more.
func (e *entry) encode(end decode.Position) ([]byte, error) {
	m, err := e.gather(end, func() bool { return true })
	if m == nil || err != nil {
		return nil, err
	}
	b, err := proto.Marshal(m)
	return framed(b), err
}

// replay takes the frames of the log.
func (e *entry) replay(from decode.Position) error {
	f, err := e.m.replay(e, from)
	if err != nil {
		return err
	}
	e.frames = f.list
	e.file, err = os.Open(f.path)
	return err
}

// sendFrames sends what fits into the window.
func (e *entry) sendFrames() error {
	for {
		n := e.fitting()
		if n == 0 {
			return nil
		}
		e.link.write.Lock()
		_, err := io.CopyN(e.link.conn, e.file, n)
		e.link.write.Unlock()
		if err != nil {
			return err
		}
	}
}

// fitting puts the records of the next frames that fit into the window, and gives how long those are.
func (e *entry) fitting() (size int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.syncing && len(e.frames) > 0 && len(e.queue)+len(e.frames[0].sent) <= e.m.o.Window {
		f := e.frames[0]
		e.frames, size = e.frames[1:], size+f.size
		e.queue = append(e.room(len(f.sent)), f.sent...)
	}
	return size
}

// room is the queue, with room for so many records more: those that were acknowledged make place, so that it does not grow.
func (e *entry) room(n int) []sent {
	if cap(e.queue)-len(e.queue) >= n {
		return e.queue
	}
	if e.space == nil {
		e.space = make([]sent, 4*e.m.o.Window)
	}
	return e.space[:copy(e.space, e.queue)]
}
