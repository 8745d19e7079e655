package link

import (
	"crypto/rand"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"

	"pikabin/decode/replica/wire"
)

// maxName is how long the name of a process may be. A server takes 255 bytes, with what makes it the one of a connection.
const maxName = 210

// process tells this process from all others of this name: in a container each one is the first, on a host whose name is that of the one before.
var process = rand.Text()[:12]

// connections numbers those of this process.
var connections atomic.Uint64

// quietNode is the name under which the server is to know a connection, without a colon. It never comes again: the server continues with what
// it keeps of a replica of the same name, also with that of a connection that has died without its notice, and the kernel gives a port again.
func (s *Server) quietNode(c net.Conn) wire.Node {
	name := strings.ReplaceAll(s.Options.Name, ":", "-")
	node := wire.Node{IP: fmt.Sprintf("%s-%s-%d", name[:min(len(name), maxName)], process, connections.Add(1)), Port: 1}
	if tcp, ok := c.LocalAddr().(*net.TCPAddr); ok {
		node.Port = int32(tcp.Port)
	}
	return node
}

// visibleNode is the name of a replica that the server counts: what the user says, or the local address.
func (s *Server) visibleNode(c net.Conn, quiet wire.Node) (wire.Node, error) {
	if s.Options.As == "" {
		if tcp, ok := c.LocalAddr().(*net.TCPAddr); ok && tcp.IP.To4() != nil {
			quiet.IP = tcp.IP.To4().String()
		}
		return quiet, nil
	}
	host, port, err := net.SplitHostPort(s.Options.As)
	n, errPort := strconv.ParseUint(port, 10, 16)
	if err != nil || errPort != nil || n == 0 || strings.Contains(host, ":") || host == "" {
		return quiet, Refuse("as=%s: expected IP:PORT, with an IPv4 address or a name", s.Options.As)
	}
	return wire.Node{IP: host, Port: int32(n)}, nil
}
