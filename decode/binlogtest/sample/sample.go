// Package sample is for tests that sweep over many cases: "go test" has all of them, "go test -short" a few. The race step of scripts/check.sh is
// short, since what it finds does not depend on how many cases of a kind there are.
package sample

import "testing"

// Of are all of the cases or, with -short, n of them.
func Of[T any](cases []T, n int) []T {
	if !testing.Short() {
		return cases
	}
	return Spread(cases, n)
}

// Spread are n of the cases, at even distances: the same ones each time, and the first and the last among them. It is all of them if there are no
// more.
func Spread[T any](cases []T, n int) []T {
	if n >= len(cases) {
		return cases
	}
	few := make([]T, 0, n)
	for i := range n {
		few = append(few, cases[i*(len(cases)-1)/max(n-1, 1)])
	}
	return few
}

// Numbers are those from first up to the last, a step apart.
func Numbers[N int | int64 | uint64](first, last, step N) (all []N) {
	for n := first; n <= last; n += step {
		all = append(all, n)
	}
	return all
}

// Count is how many cases there are: all or, with -short, no more than a few.
func Count[N int | uint64](all, few N) N {
	if testing.Short() {
		return min(all, few)
	}
	return all
}

// OneGoroutine leaves a test out with -short: what it runs has one goroutine, and nothing races there.
func OneGoroutine(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("one goroutine: only without -short")
	}
}
