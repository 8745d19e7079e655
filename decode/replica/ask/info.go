package ask

import (
	"strconv"
	"strings"

	"pikabin/decode"
)

// Field is a line of INFO.
type Field struct{ Name, Value string }

// Fields are the lines of INFO in their order.
type Fields []Field

func parseFields(text string) Fields {
	var fields Fields
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if before, after, odd := strings.Cut(strings.TrimSpace(line), " binlog_offset="); odd && !strings.Contains(before, ":") {
			name, value, ok = before, "binlog_offset="+after, true // 3.2.0 to 3.4.1
		}
		if ok && !strings.HasPrefix(name, "#") {
			fields = append(fields, Field{name, value})
		}
	}
	return fields
}

// Get is the value of a field, empty if there is none.
func (f Fields) Get(name string) string {
	for _, field := range f {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// Replicas are the names of those that a server counts, as IP:PORT.
func (f Fields) Replicas() []string {
	var list []string
	for _, field := range f {
		number, ok := strings.CutPrefix(field.Name, "slave")
		if _, err := strconv.Atoi(number); !ok || err != nil {
			continue
		}
		var ip, port string
		for part := range strings.SplitSeq(field.Value, ",") {
			switch name, value, _ := strings.Cut(part, "="); name {
			case "ip":
				ip = value
			case "port":
				port = value
			}
		}
		list = append(list, ip+":"+port)
	}
	return list
}

// DB is how far the log of a DB goes.
type DB struct {
	Name string
	End  decode.Position
}

// DBs are the logs of a server, from the section replication.
func (f Fields) DBs() []DB {
	var list []DB
	for _, field := range f {
		text, ok := strings.CutPrefix(field.Value, "binlog_offset=")
		if !ok {
			continue
		}
		text, _, _ = strings.Cut(text, ",")
		segment, offset, _ := strings.Cut(text, " ")
		n, errN := strconv.ParseUint(segment, 10, 32)
		o, errO := strconv.ParseUint(offset, 10, 63)
		if errN == nil && errO == nil {
			list = append(list, DB{Name: field.Name, End: decode.Position{Segment: uint32(n), Offset: int64(o)}})
		}
	}
	return list
}
