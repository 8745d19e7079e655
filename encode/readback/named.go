package readback

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// columns are the fields of a row by their names, those of an element by "elements.".
var columns = func() map[string]int {
	all := map[string]int{}
	for of, prefix := range map[reflect.Type]string{reflect.TypeFor[row](): "", reflect.TypeFor[element](): "elements."} {
		for i := range of.NumField() {
			all[prefix+of.Field(i).Tag.Get("avro")] = i
		}
	}
	return all
}()

// set gives a field of a row a value as it was read: an int64, a string, bytes, or a list. A text that stands for bytes, or for a number, is
// taken, too.
func (r *row) set(name string, v any) error {
	return setField(reflect.ValueOf(r).Elem(), "", name, v)
}

func (el *element) set(name string, v any) error {
	return setField(reflect.ValueOf(el).Elem(), "elements.", name, v)
}

func setField(of reflect.Value, prefix, name string, v any) error {
	at, ok := columns[prefix+name]
	if !ok {
		return fmt.Errorf("there is no field %s", name)
	}
	field := of.Field(at)
	if !field.IsZero() {
		return fmt.Errorf("it has two of %s", name)
	}
	if err := put(field.Addr().Interface(), v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// put stores v in a field by its type.
func put(field, v any) (err error) {
	switch f := field.(type) {
	case **int64:
		*f = new(int64)
		**f, err = wholeOf(v)
	case *int64:
		*f, err = wholeOf(v)
	case **string:
		*f = new(string)
		**f, err = textOf(v)
	case **[]byte:
		*f = new([]byte)
		**f, err = bytesOf(v)
	case *[][]byte:
		*f, err = listOf(v, bytesOf)
	case *[]element:
		*f, err = listOf(v, elementOf)
	}
	return err
}

func wholeOf(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case uint64:
		return int64(v), nil
	case string:
		if u, err := strconv.ParseUint(v, 10, 64); err == nil {
			return int64(u), nil
		}
		return strconv.ParseInt(v, 10, 64)
	}
	return 0, fmt.Errorf("%T is no number", v)
}

func textOf(v any) (string, error) {
	s, ok := v.(string)
	if !ok || !utf8.ValidString(s) {
		return "", errors.New("it is no text")
	}
	return s, nil
}

func bytesOf(v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return append([]byte{}, v...), nil
	case string:
		return []byte(v), nil
	}
	return nil, fmt.Errorf("%T is no bytes", v)
}

func listOf[T any](v any, item func(any) (T, error)) ([]T, error) {
	values, ok := v.([]any)
	if !ok || len(values) == 0 {
		return nil, errors.New("it is no list of anything")
	}
	list := make([]T, len(values))
	for i := range values {
		var err error
		if list[i], err = item(values[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func elementOf(v any) (el element, err error) {
	object, ok := v.(map[string]any)
	if !ok {
		return el, errors.New("an element is no map")
	}
	for name, v := range object {
		if err := el.set(name, v); err != nil {
			return el, err
		}
	}
	return el, nil
}
