// Package build tells which program this is: its version, the commit it was built of, and by what.
package build

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Info is what is known of the program. What is not known is empty.
type Info struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // the sources were not those of the commit
	Date     string `json:"date,omitempty"`     // of the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Read reads it. The version is the linker's, or empty: then the Go tool may know one.
func Read(version string) Info {
	i := Info{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	built, ok := debug.ReadBuildInfo()
	if !ok {
		built = &debug.BuildInfo{}
	}
	for _, s := range built.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Commit = s.Value
		case "vcs.time":
			i.Date = s.Value
		case "vcs.modified":
			i.Modified = s.Value == "true"
		}
	}
	if i.Version == "" {
		i.Version = built.Main.Version
	}
	if i.Version == "" {
		i.Version = "unknown"
	}
	return i
}

// String is a line for people.
func (i Info) String() string {
	var commit []string
	if i.Commit != "" {
		commit = append(commit, "commit "+i.Commit[:min(len(i.Commit), 12)])
	}
	if day, _, ok := strings.Cut(i.Date, "T"); ok {
		commit = append(commit, "of "+day)
	}
	if i.Modified {
		commit = append(commit, "with changes")
	}
	if len(commit) == 0 {
		return fmt.Sprintf("pikabin %s (%s, %s)", i.Version, i.Go, i.Platform)
	}
	return fmt.Sprintf("pikabin %s (%s, %s, %s)", i.Version, strings.Join(commit, " "), i.Go, i.Platform)
}
