//go:build unix

package process

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim"
)

// obey does what a line of the input says and answers it. It reports whether that was quit.
func (s *sim) obey(text string) (quit bool) {
	name, arg, _ := strings.Cut(strings.TrimSpace(text), " ")
	if name == "" {
		return false
	}
	err := s.do(name, arg)
	s.answer(errors.Join(err, s.err))
	return name == "quit"
}

func (s *sim) do(name, arg string) error {
	server := s.servers[s.current]
	switch name {
	case "position", "quit":
		return nil
	case "rotate":
		return server.Rotate()
	case "purge-live":
		return server.PurgeLive()
	case "stop":
		return server.Close()
	case "restart":
		return server.Restart()
	case "lose-manifest":
		return server.LoseManifest()
	case "kill":
		return s.kill(arg)
	case "hold":
		s.holdAt = arg
		return s.put(s.current)
	case "set":
		key, value, _ := strings.Cut(arg, " ")
		return s.set(s.current, key, value)
	case "flush":
		return s.flush(s.current)
	case "fullsync", "truncate":
		return s.move(name, arg)
	}
	return s.doNumber(name, arg)
}

// kill kills the server between two puts, or in the middle of one.
func (s *sim) kill(step string) error {
	server := s.servers[s.current]
	if step == "" {
		server.Kill()
		return nil
	}
	s.killAt = step
	err := s.put(s.current)
	switch {
	case errors.Is(err, pikasim.ErrKilled):
		return nil
	case err == nil:
		err = fmt.Errorf("the put had no step %q", step)
	}
	s.killAt = ""
	return err
}

func (s *sim) move(name, arg string) error {
	to, err := decode.ParsePosition(arg)
	if err != nil {
		return err
	}
	if name == "truncate" {
		return s.servers[s.current].Truncate(to)
	}
	return s.servers[s.current].FullSync(to)
}

// doNumber does the commands that take a number.
func (s *sim) doNumber(name, arg string) error {
	n, err := strconv.ParseUint(arg, 10, 32)
	if err != nil {
		return fmt.Errorf("%s %s: no such command", name, arg)
	}
	switch server := s.servers[s.current]; name {
	case "put":
		for range n {
			if err := s.put(s.current); err != nil {
				return err
			}
		}
		return nil
	case "use":
		if n >= uint64(len(s.servers)) {
			return fmt.Errorf("there is no DB %d", n)
		}
		s.current = int(n)
		return nil
	case "purge":
		return server.Purge(int(n))
	case "purge-to":
		return server.PurgeTo(uint32(n))
	}
	return fmt.Errorf("%s: no such command", name)
}
