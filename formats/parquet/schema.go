package parquet

import (
	_ "embed" // of the schema

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Schema is the schema of a file that has all columns.
//
//go:embed schema.txt
var Schema string

// kind is what a column holds, and how that is encoded.
type kind uint8

const (
	number kind = iota // signed, of 64 bits, as differences
	moment             // the same, as a timestamp of microseconds
	name               // one of a few texts, by a dictionary
	text               // any text, as it is
	data               // any bytes, as they are
)

// The columns, in the order of the file. 0 is none.
const (
	_ = iota
	columnDB
	columnSlot
	columnSegment
	columnOffset
	columnEnd
	columnPart
	columnParts
	columnLogicID
	columnTerm
	columnServerID
	columnTS
	columnTime
	columnOp
	columnType
	columnCmd
	columnKey
	columnValue
	columnElements // three: field, value, and score
	_
	_
	columnEntryID
	columnDelta
	columnEpoch
	columnExpireAt
	columnPrecision
	columnEffect
	columnArgs
	columnScope
	columnFrom
	columnTo
	columnReason
	columnCount
)

// node is a column of the schema, or a list of elements of such.
type node struct {
	name     string
	kind     kind
	required bool
	large    bool // no least and greatest value is noted, since these may be as long as any
	list     []node
}

// schema are the columns.
var schema = []node{
	{name: "db", kind: name},
	{name: "slot"},
	{name: "segment", required: true},
	{name: "offset", required: true},
	{name: "end"},
	{name: "part"},
	{name: "parts"},
	{name: "logic_id"},
	{name: "term"},
	{name: "server_id"},
	{name: "ts"},
	{name: "time", kind: moment},
	{name: "op", kind: name},
	{name: "type", kind: name},
	{name: "cmd", kind: name},
	{name: "key", kind: data},
	{name: "value", kind: data, large: true},
	{name: "elements", list: []node{
		{name: "field", kind: data, large: true},
		{name: "value", kind: data, large: true},
		{name: "score", kind: text},
	}},
	{name: "entry_id", kind: text},
	{name: "delta", kind: text},
	{name: "epoch"},
	{name: "expire_at_ms"},
	{name: "expire_precision", kind: name},
	{name: "effect", kind: name},
	{name: "args", list: []node{
		{name: "element", kind: data, large: true, required: true},
	}},
	{name: "scope", kind: text},
	{name: "from", kind: text},
	{name: "to", kind: text},
	{name: "reason", kind: text, large: true},
}

// leaf is a column as the metadata tell of it.
type leaf struct {
	node
	column         int
	path           []string
	maxRep, maxDef uint8 // the levels of a value that is there
}

// layout is the schema of a file.
type layout struct {
	elements []format.SchemaElement
	leaves   []leaf
}

// layoutOf leaves out the columns that a file is to be without.
func layoutOf(o Options) *layout {
	var l layout
	l.group("pikabin.v1.Change", 0)
	column := columnDB
	for _, n := range schema {
		if n.name == "db" && o.NoDB || n.name == "time" && !o.Timestamps {
			column++
			continue
		}
		l.elements[0].NumChildren.V++
		column = l.add(n, column)
	}
	return &l
}

// add adds a column, or those of a list, and returns the next one.
func (l *layout) add(n node, column int) int {
	if n.list == nil {
		l.leaf(leaf{node: n, column: column, path: []string{n.name}})
		return column + 1
	}
	path := []string{n.name, "list", "element"}
	list := l.group(path[0], 1)
	list.RepetitionType = thrift.New(format.Optional)
	list.ConvertedType, list.LogicalType.Value = thrift.New(deprecated.List), &format.ListType{}
	l.group(path[1], 1).RepetitionType = thrift.New(format.Repeated)
	if n.list[0].name == path[2] {
		l.leaf(leaf{node: n.list[0], column: column, path: path, maxRep: 1, maxDef: 2})
		return column + 1
	}
	l.group(path[2], len(n.list)).RepetitionType = thrift.New(format.Required)
	for _, part := range n.list {
		l.leaf(leaf{node: part, column: column, path: append(path[:3:3], part.name), maxRep: 1, maxDef: 2})
		column++
	}
	return column
}

// group begins a group of so many columns.
func (l *layout) group(name string, children int) *format.SchemaElement {
	l.elements = append(l.elements, format.SchemaElement{Name: name, NumChildren: thrift.New(int32(children))})
	return &l.elements[len(l.elements)-1]
}

// leaf adds a column. It has no type_length, which is for columns of fixed length: with one Hive takes a column for another type.
func (l *layout) leaf(f leaf) {
	el := format.SchemaElement{Name: f.name, RepetitionType: thrift.New(format.Required), Type: thrift.New(f.physical())}
	if !f.required {
		f.maxDef++
		el.RepetitionType = thrift.New(format.Optional)
	}
	switch f.kind {
	case number:
		el.ConvertedType, el.LogicalType.Value = thrift.New(deprecated.Int64), &format.IntType{BitWidth: 64, IsSigned: true}
	case moment:
		unit := format.TimeUnit{Value: &format.MicroSeconds{}}
		el.ConvertedType, el.LogicalType.Value = thrift.New(deprecated.TimestampMicros), &format.TimestampType{IsAdjustedToUTC: true, Unit: unit}
	case name, text:
		el.ConvertedType, el.LogicalType.Value = thrift.New(deprecated.UTF8), &format.StringType{}
	case data:
	}
	l.elements, l.leaves = append(l.elements, el), append(l.leaves, f)
}

func (n *node) isNumber() bool { return n.kind == number || n.kind == moment }

// physical is the type of the values in the file.
func (n *node) physical() format.Type {
	if n.isNumber() {
		return format.Int64
	}
	return format.ByteArray
}
