package readback

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/proto"
)

// Fields are what an event says, by the names of change-event: strings for bytes and text, int64 for numbers, []any for lists, and Fields
// for what is in these. What is absent has no value.
type Fields map[string]any

// Log is the name of the log whose event it is, as decode.Log has it.
func (f Fields) Log() string {
	log := decode.Log{Slot: -1}
	log.DB, _ = f["db"].(string)
	if slot, ok := f["slot"].(int64); ok {
		log.Slot = int(slot)
	}
	return log.String()
}

// Key is the event's place in its log.
func (f Fields) Key() (Key, error) {
	k := Key{
		Epoch:   uint32(f.number("epoch")),
		At:      decode.Position{Segment: uint32(f.number("segment")), Offset: f.number("offset")},
		Part:    uint32(f.number("part")),
		Command: f["from"] == nil,
	}
	if _, ok := f["op"].(string); !ok || int64(k.At.Segment) != f.number("segment") || k.At.Offset < 0 {
		return k, errors.New("it is no event: it has no op, segment and offset")
	}
	return k, nil
}

func (f Fields) number(name string) int64 {
	n, _ := f[name].(int64)
	return n
}

// order are the names of the fields as the schema has them.
var order = func() (names []string) {
	fields := (*proto.Change)(nil).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		names = append(names, string(fields.Get(i).Name()))
	}
	return names
}()

// Difference says which field of two events differs first, and how; "" if none does.
func Difference(log, output Fields) string {
	others := map[string]any{}
	maps.Copy(others, log)
	maps.Copy(others, output)
	names := slices.Clone(order)
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if !reflect.DeepEqual(log[name], output[name]) {
			return describe(name, log[name], output[name])
		}
	}
	return ""
}

// describe finds what differs within a value.
func describe(name string, log, output any) string {
	a, aList := log.([]any)
	b, bList := output.([]any)
	if aList && bList && len(a) != len(b) {
		return fmt.Sprintf("%s has %d items in the log and %d in the output", name, len(a), len(b))
	}
	for i := range a {
		if bList && !reflect.DeepEqual(a[i], b[i]) {
			return describe(fmt.Sprintf("%s[%d]", name, i), a[i], b[i])
		}
	}
	x, xFields := log.(Fields)
	y, yFields := output.(Fields)
	if xFields && yFields {
		return name + "." + Difference(x, y)
	}
	return fmt.Sprintf("%s is %s", name, sides(log, output))
}

// sides are two values for people. Of long texts it is the place where they differ.
func sides(log, output any) string {
	a, aText := log.(string)
	b, bText := output.(string)
	if !aText || !bText || max(len(a), len(b)) <= shown {
		return fmt.Sprintf("%s in the log and %s in the output", valueText(log), valueText(output))
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	from := max(at-shown/4, 0)
	return fmt.Sprintf("%d bytes in the log and %d in the output, and differs at byte %d: %s in the log and %s in the output", len(a), len(b), at,
		valueText(a[from:]), valueText(b[from:]))
}

// shown is how much of a text people are shown.
const shown = 48

func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return "absent"
	case string:
		if len(v) > shown {
			return fmt.Sprintf("%q…", v[:shown])
		}
		return fmt.Sprintf("%q", v)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case Fields:
		return "{" + strings.Join(slices.Sorted(maps.Keys(v)), " ") + "}"
	}
	return fmt.Sprint(v)
}
