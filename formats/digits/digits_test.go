package digits

import (
	"math"
	"strconv"
	"testing"
)

func TestDigits(t *testing.T) {
	var numbers []int64
	for p := int64(1); p > 0 && p <= math.MaxInt64/10; p *= 10 {
		numbers = append(numbers, p-1, p, p+1, 5*p, 9*p)
	}
	for v := range int64(20000) {
		numbers = append(numbers, v, v*9973+1e8, v*4999) // the last ones have all values of the upper four digits
	}
	numbers = append(numbers, math.MaxInt64)
	var k Counter
	for _, v := range numbers {
		if got, want := string(k.Put(make([]byte, 0, Room), uint64(v))), strconv.FormatInt(v, 10); got != want {
			t.Fatalf("Counter %s is put as %s", want, got)
		}
		for _, v := range []int64{v, -v, -v - 1} {
			if got, want := string(PutInt(make([]byte, 0, Room), v)), strconv.FormatInt(v, 10); got != want {
				t.Fatalf("PutInt(%s) = %s", want, got)
			}
		}
	}
	if got := string(Put(make([]byte, 0, Room), math.MaxUint64)); got != "18446744073709551615" {
		t.Errorf("Put of the largest number = %s", got)
	}
}
