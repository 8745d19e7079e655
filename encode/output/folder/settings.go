package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"pikabin/decode/units"
	"pikabin/encode/disk"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "folder",
	Form:      "DIR/",
	Doc:       "a folder of parts, each of which appears when it is complete",
	Delivered: "written and synced",
	Crash:     "with a state exactly once: an unfinished part is cut to what the state holds",
	Settings:  Flags,
	Parse:     parse,
}

// Flags are the settings of outputs of parts.
var Flags = []sink.Setting{
	{Name: rollSize, Placeholder: "SIZE", Help: "Start a new part at this size. Default: 256MiB."},
	{Name: rollInterval, Placeholder: "TIME", Help: "Start a new part after this time, such as 10m."},
	sink.Standby,
	{Name: partition, Placeholder: "hive[:ZONE]", Help: "Parts in folders by DB, day and hour of the events in a zone, such as hive:Asia/Shanghai. Default of the zone: UTC."},
	{Name: successFile, Help: "With --partition hive: make an empty _SUCCESS in the folder of an hour when it is complete."},
	{Name: onPartition, Placeholder: "CMD", Help: "With --partition hive: run a command of the shell when the folder of an hour is complete. PARTITION_PATH and others tell it which one."},
}

// The names of the settings.
const (
	successFile  = "success-file"
	onPartition  = "on-partition"
	rollSize     = "roll-size"
	rollInterval = "roll-interval"
	partition    = "partition"
)

// Settings say when a part is complete, and where it lies. A part is of one DB and one segment in any case.
type Settings struct {
	rollSize     int64          // bytes
	rollInterval time.Duration  // since the first write; 0: no bound
	zone         *time.Location // parts lie in folders by DB, day and hour of their events in this zone; nil: in one folder
	success      bool           // a file says that the folder of an hour is complete
	command      string         // to be run then; empty: none
	standby      bool           // the run waits for its turn
}

// Standby says that the run waits for its turn.
func (s *Settings) Standby() bool { return s.standby }

// output is a folder and its settings.
type output struct {
	dir string
	Settings
}

func parse(target string, given map[string]string) (sink.Output, bool, error) {
	if !strings.HasSuffix(target, "/") || strings.Contains(target, "://") {
		return nil, false, nil
	}
	s, err := ParseSettings(given)
	return &output{dir: filepath.Clean(target), Settings: s}, true, err
}

// ParseSettings reads the values of Flags that were given, by their names.
func ParseSettings(given map[string]string) (s Settings, err error) {
	if s.rollSize, err = units.ParseSize(cmp.Or(given[rollSize], "256MiB")); err != nil {
		return s, fmt.Errorf("--%s: %w", rollSize, err)
	}
	if s.rollInterval, err = units.ParseDuration(cmp.Or(given[rollInterval], "0")); err != nil {
		return s, fmt.Errorf("--%s: %w", rollInterval, err)
	}
	if s.zone, err = parsePartition(given[partition]); err != nil {
		return s, fmt.Errorf("--%s %s: %w", partition, given[partition], err)
	}
	s.standby = given[sink.Standby.Name] == "true"
	s.success, s.command = given[successFile] == "true", given[onPartition]
	if s.tells() && s.zone == nil {
		return s, fmt.Errorf("--%s and --%s are for folders of hours: give --%s hive, too", successFile, onPartition, partition)
	}
	return s, nil
}

// parsePartition gives the zone of the hours.
func parsePartition(text string) (*time.Location, error) {
	kind, zone, _ := strings.Cut(text, ":")
	switch kind {
	case "":
		return nil, nil
	case "hive":
		return time.LoadLocation(cmp.Or(zone, "UTC"))
	}
	return nil, errors.New("expected hive, or hive and a zone, such as hive:Asia/Shanghai")
}

// Target implements sink.Output.
func (o *output) Target() sink.Target {
	return sink.Target{Paths: []string{o.dir + "/"}, Parts: true, Whole: true, Standby: o.standby, Left: o.showLeft}
}

// Identity implements sink.Output.
func (o *output) Identity(context.Context, sink.Monitor) (string, error) { return vfs.RealPath(o.dir) }

// Open implements sink.Output.
func (o *output) Open(ctx context.Context, e sink.Env) (sink.Opened, error) {
	return Open(ctx, o.dir, o.Settings, &local{Disk: disk.New(&e), dir: o.dir}, &e)
}
