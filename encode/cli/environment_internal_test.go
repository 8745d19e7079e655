package cli

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli/environment"
	"pikabin/encode/cli/exit"
	"pikabin/encode/console"
)

// arguments are what a command needs besides the flag that is tried.
var arguments = map[string][]string{
	"convert": {"log"}, "tail": {"log"}, "redis": {"log"}, "info": {"log"}, "verify": {"log"}, "verify-output": {"log", "file"}, "history": {"log", "key"}, "stats": {"log"}, "compact": {"folder"}, "inspect": {"log"}, "seek": {"log", "--time=2h"}, "schema": {"avro"}, "state": {"file"}, "version": {}, "completion": {"bash"}, "man": {}, "complete": {}, "config": {"check", "file"},
}

// parsed is what a command line makes of the flags of its command, and of those of all commands.
type parsed struct {
	command any
	format  string
	quiet   bool
}

func parse(args []string) (parsed, error) {
	var c globalFlags
	command, err := newParser(&c, args, "", kong.Writers(io.Discard, io.Discard)).Parse(args)
	if err != nil {
		return parsed{}, err
	}
	return parsed{command.Selected().Target.Interface(), c.LogFormat, c.Quiet}, environment.CheckEmpty(command)
}

// sample is a value that a flag takes and that is not its default.
func sampleOf(flag *kong.Flag) string {
	switch flag.Target.Interface().(type) {
	case time.Duration, *time.Duration:
		return "1w2d"
	case console.Size:
		return "3G"
	case map[string]string:
		return "new=old"
	case map[string]int:
		return "name=1"
	}
	switch kind := flag.Target.Kind(); {
	case flag.Enum != "":
		options := strings.Split(flag.Enum, ",")
		return options[len(options)-1]
	case kind == reflect.Bool:
		return "true"
	case kind == reflect.String, kind == reflect.Slice:
		return "text"
	}
	return "7"
}

// eachFlag visits every flag of every command.
func eachFlag(t *testing.T, visit func(t *testing.T, command string, flag *kong.Flag)) {
	t.Helper()
	model := newParser(&globalFlags{}, nil, "").Model
	for _, command := range model.Children {
		flags := slices.DeleteFunc(slices.Concat(command.AllFlags(false)...), func(flag *kong.Flag) bool { return slices.Contains([]string{"help", "version", "config"}, flag.Name) })
		for _, flag := range sample.Of(flags, 2) {
			t.Run(command.Name+"/"+flag.Name, func(t *testing.T) { visit(t, command.Name, flag) })
		}
	}
}

// actions are the flags that act at once, and that no variable sets.
var actions = []string{"clear", "forget-settings", "use-previous"}

// TestEveryFlagInTheEnvironment sets each flag by its variable, and compares with what the command line makes of it.
func TestEveryFlagInTheEnvironment(t *testing.T) {
	sample.OneGoroutine(t)
	eachFlag(t, func(t *testing.T, command string, flag *kong.Flag) {
		t.Helper()
		value, args := sampleOf(flag), append([]string{command}, arguments[command]...)
		if command == "seek" && (flag.Name == "time" || flag.Name == "logic-id") {
			args = args[:2] // one of the two
		}
		variable := "PIKABIN_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		want, err := parse(append(args, "--"+flag.Name+"="+value))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range actions {
			if flag.Name == name {
				want, err = parse(args)
			}
		}
		t.Setenv(variable, value)
		got, errEnv := parse(args)
		if err != nil || errEnv != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s=%s makes\n%+v, %v, and the flag\n%+v, %v", variable, value, got, errEnv, want, err)
		}
	})
}

// TestEmptyValues are refused, for each flag, on the command line and in the environment.
func TestEmptyValues(t *testing.T) {
	eachFlag(t, func(t *testing.T, command string, flag *kong.Flag) {
		t.Helper()
		args := append([]string{command}, arguments[command]...)
		if command == "seek" && (flag.Name == "time" || flag.Name == "logic-id") {
			args = args[:2]
		}
		if _, err := parse(append(args, "--"+flag.Name+"=")); err == nil {
			t.Error("an empty value is taken")
		}
		if len(flag.Envs) == 0 {
			return
		}
		t.Setenv(flag.Envs[0], "")
		if _, err := parse(args); err == nil {
			t.Errorf("an empty %s is taken", flag.Envs[0])
		}
	})
}

// TestUnknownVariables changes the name of each variable by one letter: it is refused, and the right name is suggested.
func TestUnknownVariables(t *testing.T) {
	sample.OneGoroutine(t)
	model := newParser(&globalFlags{}, nil, "").Model
	whole := func() *kong.Application { return model }
	for _, name := range environment.Variables(model.Node) {
		if !strings.HasPrefix(name, environment.Prefix) { // of S3: others have names like them
			continue
		}
		wrong := name[:len(name)-1] + "QX"
		err := environment.Check(model, whole, []string{"HOME=/", name + "=1", wrong + "=1"})
		if err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	if err := environment.Check(model, whole, []string{"PIKABIN_FORMATT=resp"}); err == nil || !strings.Contains(err.Error(), "did you mean PIKABIN_FORMAT?") {
		t.Error(err)
	}
	for _, name := range actions {
		if err := environment.Check(model, whole, []string{"PIKABIN_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "=true"}); err == nil {
			t.Errorf("a variable sets --%s", name)
		}
	}
	if err := environment.Check(model, whole, []string{"PIKABIN=/bin/pikabin", "PIKABIN_TEST_REDIS=1", "XPIKABIN_A=1"}); err != nil {
		t.Error(err)
	}
}

// TestVariablesAreRefusedByTheProgram runs it with one.
func TestVariablesAreRefusedByTheProgram(t *testing.T) {
	t.Setenv("PIKABIN_FORMATT", "resp")
	var stdout, stderr bytes.Buffer
	if code := Run([]string{"schema", "protobuf"}, &stdout, &stderr, ""); code != exit.Usage || stdout.Len() > 0 || !strings.Contains(stderr.String(), "PIKABIN_FORMATT") {
		t.Errorf("exit code %d, %q, %q", code, stdout.String(), stderr.String())
	}
}
