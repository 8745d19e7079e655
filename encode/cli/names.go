package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/frame"
	"pikabin/encode/run"
	"pikabin/formats"
)

// foreign are the extensions of files that this program does not write, and that their readers go by.
var foreign = []string{
	".7z", ".arrow", ".avro", ".br", ".bz2", ".csv", ".db", ".feather", ".gzip", ".lz", ".lz4", ".lzma", ".lzo", ".msgpack", ".orc", ".parquet", ".rar",
	".rdb", ".snappy", ".sql", ".sqlite", ".sz", ".tar", ".tgz", ".toml", ".tsv", ".xls", ".xlsx", ".xml", ".xz", ".yaml", ".yml", ".z", ".zip", ".zstd",
}

// checkExtension refuses the name of a file that promises what is not going to be in it.
func checkExtension(output string, format formats.Format, compression frame.Compression) error {
	if output == "-" || run.IsRemote(output) || strings.HasSuffix(output, "/") {
		return nil
	}
	name := strings.ToLower(output)
	if told := frame.Of(name); told.Ext() != "" && told.Ext() != compression.Ext() {
		return fmt.Errorf("output %s: its name says %s, and --compress another compression", output, told.Ext())
	}
	ext := filepath.Ext(strings.TrimSuffix(name, compression.Ext()))
	known := slices.ContainsFunc(formats.All(), func(f formats.Format) bool { return f.Ext == ext })
	if ext == format.Ext || !known && !slices.Contains(foreign, ext) {
		return nil
	}
	return fmt.Errorf("output %s: %s does not write %s: let the name end in %s, after which .zst or .gz compresses it, or choose another --format: there are %s",
		output, format.Name, ext, format.Ext, strings.Join(formats.Names(), ", "))
}

// warnOfCommands says of a command that is not known which one may have been meant. It may be there all the same: later servers have more commands,
// and a module or rename-command can make any.
func (f *filterFlags) warnOfCommands(s *streams) {
	for _, name := range slices.Concat(f.Command, f.ExcludeCommand) {
		if decode.LookupCommand([]byte(name)) != nil {
			continue
		}
		text := fmt.Sprintf("no command %q is known", name)
		if like := nearest(name, decode.CommandNames()); like != "" {
			text += fmt.Sprintf(": did you mean %s?", like)
		}
		s.console.Warn(text)
	}
}
