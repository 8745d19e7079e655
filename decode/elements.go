package decode

import "iter"

// Element is one member, field or item that a command names. A part that does not apply is nil; an
// empty one is not nil.
type Element struct {
	Field []byte // hash field, stream field
	Value []byte // hash or stream value, list item, set, zset, geo or HLL member
	Score []byte // zset score as logged: always text of printable ASCII
}

// Elements are what a command names, in its order: a view of its arguments, since a command may have millions of them.
type Elements struct {
	args   [][]byte // of all elements, one after the other
	layout layout
}

// layout says which arguments an element has.
type layout uint8

const (
	members layout = iota // a value
	names                 // a field
	fields                // a field and its value
	scored                // a score and its value
	located               // two coordinates and a value
	parts                 // a field, a value and a score
)

// sizes are how many arguments an element has.
var sizes = [...]int{members: 1, names: 1, fields: 2, scored: 2, located: 3, parts: 3}

// ElementsOf makes a list of elements.
func ElementsOf(list ...Element) Elements {
	e := Elements{layout: parts}
	for _, el := range list {
		e.args = append(e.args, el.Field, el.Value, el.Score)
	}
	return e
}

// Len is how many elements there are.
func (e *Elements) Len() int {
	if e.layout <= names {
		return len(e.args)
	}
	return len(e.args) / sizes[e.layout]
}

// At is the element i, from 0 on.
func (e *Elements) At(i int) Element {
	switch args := e.args[i*sizes[e.layout]:]; e.layout {
	case members:
		return Element{Value: args[0]}
	case names:
		return Element{Field: args[0]}
	case fields:
		return Element{Field: args[0], Value: args[1]}
	case scored:
		return Element{Value: args[1], Score: args[0]}
	case located:
		return Element{Value: args[2]}
	default:
		return Element{Field: args[0], Value: args[1], Score: args[2]}
	}
}

// Size is how many bytes the fields and values of all elements have.
func (e *Elements) Size() (n int) {
	if e.layout <= fields { // all that there is
		for _, arg := range e.args {
			n += len(arg)
		}
		return n
	}
	for i := range e.Len() {
		el := e.At(i)
		n += len(el.Field) + len(el.Value)
	}
	return n
}

// All goes through the elements.
func (e *Elements) All() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		for i := range e.Len() {
			if !yield(e.At(i)) {
				return
			}
		}
	}
}
