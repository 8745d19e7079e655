package pikamaster

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// ServeRedis answers what a reader may ask on the ordinary port. Everything else is forbidden.
func (m *Master) ServeRedis(c net.Conn) {
	defer m.leave(c)
	in, open := bufio.NewReader(c), m.o.Password == ""
	for {
		argv, err := readCommand(in)
		if err != nil {
			return
		}
		if m.o.Ignores != nil && m.o.Ignores(strings.Join(argv, " ")) {
			continue
		}
		if _, err := fmt.Fprint(c, m.answer(argv, &open)); err != nil {
			return
		}
	}
}

// readCommand reads an array of bulk strings.
func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readNumber(in, '*')
	if err != nil {
		return nil, err
	}
	argv := make([]string, n)
	for i := range argv {
		size, err := readNumber(in, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, size+2)
		for at := 0; at < len(text); {
			n, err := in.Read(text[at:])
			if err != nil {
				return nil, err
			}
			at += n
		}
		argv[i] = string(text[:size])
	}
	return argv, nil
}

func readNumber(in *bufio.Reader, kind byte) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("expected %q, got %q", kind, line)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// answer is the reply to a command.
func (m *Master) answer(argv []string, open *bool) string {
	command := strings.ToLower(argv[0])
	switch {
	case command == "auth":
		*open = argv[len(argv)-1] == m.o.Password && (len(argv) == 2 || argv[1] == m.o.User)
		if !*open {
			return "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		}
		return "+OK\r\n"
	case !*open:
		return "-NOAUTH Authentication required.\r\n"
	case command == "ping":
		return "+PONG\r\n"
	case command == "info":
		section := ""
		if len(argv) > 1 {
			section = strings.ToLower(argv[1])
		}
		return bulk(m.info(section))
	case command == "config" && strings.EqualFold(argv[1], "get"):
		return m.config(argv[2])
	}
	m.forbidden("command %q", argv)
	return "-ERR not for a reader\r\n"
}

func (m *Master) config(name string) string {
	values := map[string]string{
		"instance-mode": m.o.Mode, "consensus-level": strconv.Itoa(m.o.Consensus), "binlog-file-size": strconv.FormatInt(m.o.FileSize, 10),
	}
	value, ok := values[name]
	if !ok || number(m.o.Version) >= 30500 && name != "binlog-file-size" {
		return "*0\r\n"
	}
	return "*2\r\n" + bulk(name) + bulk(value)
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }
