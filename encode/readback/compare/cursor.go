package compare

import (
	"bytes"
	"context"
	"errors"
	"io"

	"pikabin/decode"
	"pikabin/encode/readback"
)

// Part is one of the things that hold events in order: a file, or a part of a folder.
type Part struct {
	Name  string       // for people
	Begin readback.Key // of the first event; the zero key where it is not known

	// Ends, if it is known, is a position of which nothing and of what comes after it is in the part.
	Ends *decode.Position

	// Open begins to read it. log is the one that is compared, for parts that do not name it.
	Open func(ctx context.Context, log *decode.Log) (readback.Messages, error)
}

// cursor is a part that is read.
type cursor struct {
	part     Part
	messages readback.Messages
	head     []byte // the next event; nil: not read yet
	fields   readback.Fields
	key      readback.Key
	err      error // of what is in the place of the next event
	n        int64 // the number of the next event, from 1
	ended    bool
	passed   int64 // events that were passed over, since they are of a log whose turn comes later
	again    bool  // it is read for another time, for a later log
}

// load reads the next event, if that was not done yet. false says that there is none.
func (c *cursor) load(ctx context.Context) bool {
	if c.head != nil || c.err != nil {
		return true
	}
	if c.ended {
		return false
	}
	var err error
	c.n++
	if c.head, err = c.messages.Next(ctx); err == nil {
		if c.head == nil {
			c.head = []byte{}
		}
		return true
	}
	c.head = nil
	_, one := errors.AsType[*readback.EventError](err)
	c.ended = !one
	if err != io.EOF { //nolint:errorlint // what wraps it is an error
		c.err = err
	}
	return c.err != nil
}

// take takes the next event if it is this one, byte for byte.
func (c *cursor) take(ctx context.Context, message []byte) bool {
	if !c.load(ctx) || c.err != nil || !bytes.Equal(c.head, message) {
		return false
	}
	c.skip()
	return true
}

// skip passes over the next event.
func (c *cursor) skip() { c.head, c.fields, c.err = nil, nil, nil }

// look reads the fields of the next event.
func (c *cursor) look(f *readback.Format) error {
	if c.err != nil || c.fields != nil {
		return c.err
	}
	fields, err := f.Fields(c.head)
	if err == nil {
		c.key, err = fields.Key()
	}
	if err != nil {
		c.err = err
		return err
	}
	c.fields = fields
	return nil
}

func (c *cursor) close() { c.messages.Close() }
