package output_test

import (
	"strings"
	"testing"

	"pikabin/encode/output"
)

// TestParse gives each value of --output to its type, and settings to the type that has them.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		target  string
		setting string // a setting that is given
		value   string
		want    string // in the error; empty: none
	}{
		{target: "-"},
		{target: "out.jsonl"},
		{target: "./-"},
		{target: "out/"},
		{target: "out/", setting: "partition", value: "hive:Asia/Shanghai"},
		{target: "kafka://b:9092/t"},
		{target: "kafka://b:9092/t", setting: "tombstones", value: "true"},
		{target: "./redis:localhost"},
		{target: "redis:localhost", want: "as in redis://"},
		{target: "s3:/bucket/changes/", want: "as in s3://BUCKET/PREFIX/ (a file or folder of this name is ./s3:/bucket/changes/)"},
		{target: "nonsense://x", want: "no output has the form of"},
		{target: "kafka://b:9092/t/", want: "topic"},
		{target: "out.jsonl", setting: "partition", value: "hive", want: `--partition is not for output "out.jsonl"`},
		{target: "-", setting: "exactly-once", value: "true", want: `--exactly-once is not for output "-"`},
		{target: "out/", setting: "on-oversize", value: "fail", want: "--on-oversize is not for"},
		{target: "kafka://b:9092/t", setting: "roll-size", value: "1MiB", want: "--roll-size is not for"},
		{target: "out/", setting: "partition", value: "daily", want: "--partition daily: expected hive"},
		{target: "out/", setting: "partition", value: "hive:Nowhere", want: "--partition hive:Nowhere"},
		{target: "out/", setting: "roll-size", value: "much", want: "--roll-size"},
		{target: "out/", setting: "roll-interval", value: "soon", want: "--roll-interval"},
	} {
		settings := map[string]string{}
		if c.setting != "" {
			settings[c.setting] = c.value
		}
		o, err := output.Parse(c.target, settings)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %q", c.target, settings, err, c.want)
		}
		if err == nil && o == nil {
			t.Errorf("%s: nothing", c.target)
		}
	}
}
