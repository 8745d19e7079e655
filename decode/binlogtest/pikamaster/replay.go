package pikamaster

import (
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	"pikabin/decode"
)

// replay is what frames are made for: a log of a session, from a position on.
type replay struct {
	db      string
	session int32
	from    decode.Position
}

// frame is a message as it is on the wire, and the records in it.
type frame struct {
	bytes []byte
	sent  []sent
}

// framed puts the length in front of a message.
func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// replay gives the frames of a log.
func (m *Master) replay(e *entry, from decode.Position) ([]frame, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := replay{e.db.Name, e.session, from}
	if frames, ok := m.replays[key]; ok {
		return frames, nil
	}
	r, err := openReader(e.db.Dir, from)
	if err != nil {
		return nil, err
	}
	defer r.close()
	maker := &entry{m: m, db: e.db, session: e.session, reader: r, syncing: true}
	frames := []frame{}
	for end := e.db.end(); ; {
		b, err := maker.encode(end)
		if err != nil || b == nil {
			m.replays[key] = frames
			return frames, err
		}
		frames = append(frames, frame{bytes: b, sent: maker.queue})
		maker.queue = nil
	}
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

// sendFrames sends what fits into the window.
func (e *entry) sendFrames() error {
	for {
		e.mu.Lock()
		if len(e.frames) == 0 || !e.syncing || len(e.queue)+len(e.frames[0].sent) > e.m.o.Window {
			e.mu.Unlock()
			return nil
		}
		f := e.frames[0]
		e.frames = e.frames[1:]
		e.queue = append(e.queue, f.sent...)
		e.mu.Unlock()
		e.link.write.Lock()
		_, err := e.link.conn.Write(f.bytes)
		e.link.write.Unlock()
		if err != nil {
			return err
		}
	}
}
