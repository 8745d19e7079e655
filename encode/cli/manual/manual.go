// Package manual writes the pages of the manual from the model of the command line, in the language of man (troff).
package manual

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Pages are what all pages have.
type Pages struct {
	Model   *kong.Application
	Version string
	Date    string // of the program; empty: it is not known
	End     string // what is the same for all commands
}

// Name is the name of the page of a command; nil: of the program.
func (p *Pages) Name(c *kong.Node) string {
	if c == nil {
		return p.Model.Name
	}
	return p.Model.Name + "-" + c.Name
}

// Write writes the page of a command; nil: of the program.
func (p *Pages) Write(w io.Writer, c *kong.Node) error {
	var b page
	name, node, about := p.Name(c), p.Model.Node, "change streams of the binlog of Pika"
	if c != nil {
		node, about = c, strings.TrimSuffix(firstLower(c.Help), ".")
	}
	b.line(".TH %s 1 %q %s \"pikabin\"", quoted(strings.ToUpper(name)), p.Date, quoted("pikabin "+p.Version))
	b.line(".nh")
	b.section("NAME")
	b.line("%s \\- %s", text(name), text(about))
	b.section("SYNOPSIS")
	b.line(".B %s", text(p.Model.Name))
	b.line("%s", text(strings.TrimSpace(node.Summary())))
	b.section("DESCRIPTION")
	if c == nil {
		b.prose(p.Model.Help)
		b.commands(p.Model.Children)
	} else {
		b.prose(node.Help)
		b.prose(node.Detail)
		b.arguments(node.Positional)
		b.below(node.Children)
	}
	b.flags(node)
	b.section("ENVIRONMENT AND EXIT STATUS")
	b.prose(p.End)
	b.section("SEE ALSO")
	b.also(p, c)
	_, err := io.WriteString(w, b.String())
	return err
}

// page is what was written of one.
type page struct {
	strings.Builder
	begins bool // a section has just begun
}

func (b *page) line(format string, args ...any) {
	fmt.Fprintf(b, format+"\n", args...)
	b.begins = false
}

func (b *page) section(name string) {
	b.line(".SH %s", quoted(name))
	b.begins = true
}

// prose writes paragraphs; lines that are indented are shown as they are.
func (b *page) prose(prose string) {
	for paragraph := range strings.SplitSeq(strings.Trim(prose, "\n"), "\n\n") {
		if paragraph == "" {
			continue
		}
		if !b.begins {
			b.line(".PP")
		}
		verbatim := strings.HasPrefix(paragraph, "  ")
		if verbatim {
			b.line(".nf")
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			b.line("%s", text(line))
		}
		if verbatim {
			b.line(".fi")
		}
	}
}

// item is a name with what it is.
func (b *page) item(name, about string) {
	b.line(".TP")
	b.line(".B %s", text(name))
	b.line("%s", text(about))
}

func (b *page) commands(all []*kong.Node) {
	group := ""
	for _, c := range all {
		if c.Hidden {
			continue
		}
		if title := titleOf(c.Group); title != group {
			b.line(".SS %s", quoted(strings.TrimSuffix(title, ":")))
			group = title
		}
		b.item(c.Name, c.Help)
	}
}

func (b *page) arguments(all []*kong.Positional) {
	if len(all) == 0 {
		return
	}
	b.section("ARGUMENTS")
	for _, arg := range all {
		b.item(arg.Summary(), arg.Help)
	}
}

func (b *page) below(all []*kong.Node) {
	for _, c := range all {
		b.item(strings.TrimSpace(c.Path()+" "+argumentsOf(c)), c.Help)
	}
}

func argumentsOf(c *kong.Node) string {
	var names []string
	for _, arg := range c.Positional {
		names = append(names, arg.Summary())
	}
	return strings.Join(names, " ")
}

// flags writes those of a command in their groups, and then those of every command.
func (b *page) flags(node *kong.Node) {
	b.section("OPTIONS")
	var order []string
	groups := map[string][]*kong.Flag{}
	for n := node; n != nil; n = n.Parent {
		for _, flag := range n.Flags {
			title := titleOf(flag.Group)
			if n.Parent == nil && node.Parent != nil {
				title = "Every command:"
			}
			if _, seen := groups[title]; !seen {
				order = append(order, title)
			}
			groups[title] = append(groups[title], flag)
		}
	}
	for _, title := range order {
		if title != "" {
			b.line(".SS %s", quoted(strings.TrimSuffix(title, ":")))
		}
		for _, flag := range groups[title] {
			if !flag.Hidden {
				b.item(flag.String(), flag.Help)
			}
		}
	}
}

func titleOf(g *kong.Group) string {
	if g == nil {
		return ""
	}
	return g.Title
}

// also names the other pages.
func (b *page) also(p *Pages, c *kong.Node) {
	var names []string
	if c != nil {
		names = append(names, p.Name(nil))
	}
	for _, other := range p.Model.Children {
		if other != c && !other.Hidden {
			names = append(names, p.Name(other))
		}
	}
	for i, name := range names {
		end := ","
		if i == len(names)-1 {
			end = ""
		}
		b.line(".BR %s (1)%s", text(name), end)
	}
}

func firstLower(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// text makes of a line one that troff shows as it is.
func text(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	if strings.HasPrefix(s, ".") || s == "" {
		s = `\&` + s
	}
	return s
}

// quoted is an argument of a request.
func quoted(s string) string { return `"` + strings.ReplaceAll(text(s), `"`, `\(dq`) + `"` }
