package flags

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/cli/misspelt"
	"pikabin/encode/cli/shell"
	"pikabin/encode/frame"
	"pikabin/formats"
)

// foreign are extensions that readers go by: files whose names end so hold that and nothing else. Some are of formats of this program.
var foreign = []string{
	".7z", ".arrow", ".avro", ".br", ".bz2", ".csv", ".db", ".feather", ".gzip", ".lz", ".lz4", ".lzma", ".lzo", ".msgpack", ".orc", ".parquet", ".rar",
	".rdb", ".snappy", ".sql", ".sqlite", ".sz", ".tar", ".tgz", ".toml", ".tsv", ".xls", ".xlsx", ".xml", ".xz", ".yaml", ".yml", ".z", ".zip", ".zstd",
}

// checkExtension refuses the name of a file that promises what is not going to be in it. Without a file it is empty.
func checkExtension(output string, format formats.Format, compression frame.Compression) error {
	if output == "" {
		return nil
	}
	name := strings.ToLower(output)
	if told := frame.Of(name).Ext(); told != "" && format.File != nil {
		return fmt.Errorf("output %s: files of %s are compressed inside, by --compress: let the name end in %s", output, format.Name, format.Ext)
	} else if told != "" && told != compression.Ext() {
		return fmt.Errorf("output %s: its name says %s, and --compress another compression", output, told)
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
func (f *FilterFlags) warnOfCommands(s *shell.Streams) {
	for _, name := range slices.Concat(f.Command, f.ExcludeCommand) {
		if decode.LookupCommand([]byte(name)) != nil {
			continue
		}
		text := fmt.Sprintf("no command %q is known", name)
		if like := misspelt.Nearest(name, decode.CommandNames()); like != "" {
			text += fmt.Sprintf(": did you mean %s?", like)
		}
		s.Console.Warn(text)
	}
}
