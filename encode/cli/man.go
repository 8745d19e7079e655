package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/manual"
	"pikabin/encode/cli/shell"
	"pikabin/encode/run"
)

// manCommand prints the pages of the manual.
type manCommand struct {
	Page string `arg:"" optional:"" help:"The name of a command. Default: the page of the program."`
	Dir  string `placeholder:"DIR" help:"Write all pages into this folder instead, such as /usr/local/share/man/man1."`
}

// Help is shown by man --help.
func (*manCommand) Help() string {
	return `Examples:

  pikabin man convert | man -l -
  pikabin man --dir /usr/local/share/man/man1`
}

// Run prints one page, or writes all.
func (c *manCommand) Run(s *shell.Streams) error {
	model := newParser(&globalFlags{}, nil, "", kong.Description(description)).Model
	day, _, _ := strings.Cut(s.Program.Date, "T")
	pages := &manual.Pages{Model: model, Version: s.Program.Version, Date: day, End: helpEnd}
	if c.Dir != "" {
		if c.Page != "" {
			return exit.Misuse(errors.New("--dir writes all pages: name none"))
		}
		return c.writeAll(pages)
	}
	if c.Page == "" {
		return pages.Write(s.Stdout, nil)
	}
	for _, command := range model.Children {
		if command.Name == c.Page && !command.Hidden {
			return pages.Write(s.Stdout, command)
		}
	}
	return exit.Misuse(fmt.Errorf("there is no command %q: there are %s", c.Page, strings.Join(commandNames(), ", ")))
}

func (c *manCommand) writeAll(pages *manual.Pages) error {
	if err := run.NewGuard(nil).Outside("folder", c.Dir); err != nil {
		return err
	}
	for _, command := range append([]*kong.Node{nil}, pages.Model.Children...) {
		if command != nil && command.Hidden {
			continue
		}
		var text bytes.Buffer
		if err := pages.Write(&text, command); err != nil {
			return err
		}
		if err := writePage(filepath.Join(c.Dir, pages.Name(command)+".1"), text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// writePage puts a page in the place of another one, and never into what a link of that name leads to.
func writePage(path string, text []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // for everybody, as pages of a manual are
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
