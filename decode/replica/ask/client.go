// Package ask asks a server on its ordinary port: who it is, and how far its logs go. It changes nothing there.
package ask

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// maxReply bounds a reply: INFO of a server with thousands of DBs has a tenth of it.
const maxReply = 4 << 20

// timeout is how long a reply may take.
const timeout = 10 * time.Second

// Error is what a server answers in place of a reply.
type Error struct{ Text string }

// Error is the text of the server.
func (e *Error) Error() string { return e.Text }

// Client is a connection to the ordinary port, for one goroutine.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
}

// New speaks over a connection.
func New(c net.Conn) *Client { return &Client{conn: c, in: bufio.NewReader(c)} }

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Auth logs in. Without a user it is the password of the server.
func (c *Client) Auth(user, secret string) error {
	argv := []string{"AUTH", secret}
	if user != "" {
		argv = []string{"AUTH", user, secret}
	}
	_, err := c.do(argv...)
	return err
}

// Info asks for a section of INFO: its fields, in order.
func (c *Client) Info(section string) (Fields, error) {
	reply, err := c.do("INFO", section)
	if err != nil {
		return nil, err
	}
	if len(reply) != 1 {
		return nil, fmt.Errorf("INFO %s: a reply of %d parts", section, len(reply))
	}
	return parseFields(reply[0]), nil
}

// Config asks for a value of the configuration; empty where the version does not have it.
func (c *Client) Config(name string) (string, error) {
	reply, err := c.do("CONFIG", "GET", name)
	if err != nil || len(reply) < 2 {
		return "", err
	}
	return reply[1], nil
}

// do sends a command and reads its reply: one text, or those of an array.
func (c *Client) do(argv ...string) ([]string, error) {
	if err := c.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	b := fmt.Appendf(nil, "*%d\r\n", len(argv))
	for _, arg := range argv {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := c.conn.Write(b); err != nil {
		return nil, err
	}
	left := maxReply
	return c.reply(&left, true)
}

func (c *Client) reply(left *int, top bool) ([]string, error) {
	line, err := c.line(left)
	if err != nil {
		return nil, err
	}
	switch text := line[1:]; {
	case line[0] == '+' || line[0] == ':':
		return []string{text}, nil
	case line[0] == '-':
		return nil, &Error{text}
	case line[0] == '$':
		text, err := c.bulk(text, left)
		return []string{text}, err
	case line[0] == '*' && top:
		return c.array(text, left)
	}
	return nil, fmt.Errorf("a reply that begins with %q", line[:1])
}

// line reads a line that is not empty, without its end.
func (c *Client) line(left *int) (string, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", whole(err)
	}
	*left -= len(line)
	text := strings.TrimRight(string(line), "\r\n")
	if text == "" || *left < 0 {
		return "", errors.New("a reply that makes no sense")
	}
	return text, nil
}

func (c *Client) bulk(size string, left *int) (string, error) {
	n, err := strconv.Atoi(size)
	switch {
	case err != nil || n < -1:
		return "", fmt.Errorf("a reply of length %q", size)
	case n == -1:
		return "", nil
	case n > *left:
		return "", fmt.Errorf("a reply of more than %d bytes", maxReply)
	}
	*left -= n
	b := make([]byte, n+2)
	_, err = io.ReadFull(c.in, b)
	return string(b[:n]), whole(err)
}

func (c *Client) array(size string, left *int) ([]string, error) {
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 || n > *left {
		return nil, fmt.Errorf("a reply of %q parts", size)
	}
	var parts []string
	for range n {
		part, err := c.reply(left, false)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part...)
	}
	return parts, nil
}

func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
