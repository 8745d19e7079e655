package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"pikabin/decode/replica/inner"
)

// headSize is the size of the length before a message.
const headSize = 4

// bufferSize is how much is read from a connection at once.
const bufferSize = 256 << 10

// ErrMessage is what a server has sent that no message can be. What came after it on the connection cannot be read.
var ErrMessage = errors.New("not a message of Pika's replication protocol")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMessage, fmt.Sprintf(format, args...))
}

// Conn is a connection to a server. Send and Receive may be called beside each other, each from one goroutine at a time.
type Conn struct {
	w     io.Writer
	out   []byte
	frame frame
}

// NewConn speaks over a connection.
func NewConn(c io.ReadWriter) *Conn {
	return &Conn{w: c, frame: frame{r: bufio.NewReaderSize(c, bufferSize)}}
}

// Send writes a request.
func (c *Conn) Send(m *inner.Request) error {
	var err error
	c.out, err = proto.MarshalOptions{Deterministic: true}.MarshalAppend(append(c.out[:0], make([]byte, headSize)...), m)
	if err != nil {
		return fmt.Errorf("encoding a request: %w", err)
	}
	binary.BigEndian.PutUint32(c.out, uint32(len(c.out)-headSize))
	_, err = c.w.Write(c.out)
	return err
}

// Handler is given the items of a message, one after the other, while they come.
type Handler interface {
	// Payload reads the payload of an item, of it.Size bytes. What it leaves is passed over. The session is not known yet.
	Payload(it *Item, r io.Reader) error

	// Item ends the item, with its session.
	Item(it *Item) error
}

// Receive reads one message. Its items are in no answer; they are given to the handler, which may stop it by an error. The error is io.EOF
// where the server has closed the connection between two messages.
func (c *Conn) Receive(h Handler) (*inner.Response, error) {
	if err := c.frame.begin(); err != nil {
		return nil, err
	}
	return c.frame.message(h)
}

// Comes says that the next message has begun to come, and is short: the rest of it takes next to no time.
func (c *Conn) Comes() bool {
	if c.frame.r.Buffered() < headSize {
		return false
	}
	head, err := c.frame.r.Peek(headSize)
	return err == nil && binary.BigEndian.Uint32(head) <= bufferSize
}
