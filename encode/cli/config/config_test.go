package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"pikabin/encode/cli/config"
)

// FuzzConfig: whatever a file holds is refused or understood, and the same each time.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{"", "all: true", "tail: {key: [a, b]}\nrenamed: {a: b}", "a: &x [b]\nkey: *x", "memory: 1G\n---\n"} {
		f.Add(text)
	}
	var few struct { // many names take long to compare with one that is wrong
		All     bool
		Memory  int64
		Key     []string          `sep:"none"`
		Renamed map[string]string `placeholder:"NEW=OLD"`
		Tail    struct {
			Listen string
		} `cmd:""`
	}
	model := kong.Must(&few).Model
	f.Fuzz(func(t *testing.T, text string) {
		first, err := config.Parse("file", strings.NewReader(text), model)
		again, errAgain := config.Parse("file", strings.NewReader(text), model)
		if (err == nil) != (errAgain == nil) || !reflect.DeepEqual(first, again) {
			t.Errorf("%+v, %v and then %+v, %v", first, err, again, errAgain)
		}
		if err == nil {
			for _, s := range first.Settings() {
				if s.Text == "" || s.Flag == "" {
					t.Errorf("%+v", s)
				}
			}
		}
	})
}
