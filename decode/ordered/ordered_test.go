package ordered_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"pikabin/decode/ordered"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errStage = errors.New("stage is broken")

// counting gives the tasks 0 to n-1, then end.
func counting(n int, end error) func(context.Context) (int, error) {
	next := -1
	return func(context.Context) (int, error) {
		if next++; next < n {
			return next, nil
		}
		return 0, end
	}
}

// ledger keeps what became of each task.
type ledger struct {
	mu      sync.Mutex
	begun   map[int]bool
	dropped map[int]int
	joined  []int
}

func newLedger() *ledger { return &ledger{begun: map[int]bool{}, dropped: map[int]int{}} }

func (l *ledger) worker() func(context.Context, uint64, int) int {
	return func(_ context.Context, seq uint64, task int) int {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.begun[task] = seq == uint64(task)
		return task
	}
}

func (l *ledger) join(_ context.Context, r int) error {
	l.joined = append(l.joined, r)
	return nil
}

func (l *ledger) drop(r int) { l.dropped[r]++ }

// check verifies that the tasks joined are the first ones in their order, and that each other one which
// was begun was dropped once.
func (l *ledger) check(t *testing.T) {
	t.Helper()
	for i, r := range l.joined {
		if r != i || l.dropped[r] != 0 {
			t.Fatalf("joined %d in the place of %d, dropped %d times", r, i, l.dropped[r])
		}
	}
	for task, inOrder := range l.begun {
		if !inOrder || task >= len(l.joined) && l.dropped[task] != 1 {
			t.Fatalf("task %d: number is right %v, dropped %d times", task, inOrder, l.dropped[task])
		}
	}
	if len(l.begun) != len(l.joined)+len(l.dropped) {
		t.Fatalf("%d begun, %d joined, %d dropped", len(l.begun), len(l.joined), len(l.dropped))
	}
}

func TestOrder(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		for _, depth := range []int{0, 1, 16} {
			t.Run(fmt.Sprintf("%d workers, depth %d", workers, depth), func(t *testing.T) {
				l := newLedger()
				s := ordered.Stages[int, int]{Next: counting(1000, io.EOF), Worker: l.worker, Join: l.join}
				if err := ordered.Run(t.Context(), workers, depth, s, l.drop); err != nil || len(l.joined) != 1000 {
					t.Errorf("%v, %d joined", err, len(l.joined))
				}
				l.check(t)
			})
		}
	}
}

// TestOrderOfUnevenWork has each worker wait for the one after it.
func TestOrderOfUnevenWork(t *testing.T) {
	const n = 64
	done := make([]chan struct{}, n+1)
	for i := range done {
		done[i] = make(chan struct{})
	}
	close(done[n])
	l := newLedger()
	work := func() func(context.Context, uint64, int) int {
		return func(ctx context.Context, seq uint64, task int) int {
			if task%2 == 0 {
				<-done[task+1]
			}
			close(done[task])
			return l.worker()(ctx, seq, task)
		}
	}
	s := ordered.Stages[int, int]{Next: counting(n, io.EOF), Worker: work, Join: l.join}
	if err := ordered.Run(t.Context(), 4, 8, s, l.drop); err != nil || len(l.joined) != n {
		t.Errorf("%v, %d joined", err, len(l.joined))
	}
	l.check(t)
}

func TestErrorOfNextComesAfterItsTasks(t *testing.T) {
	l := newLedger()
	s := ordered.Stages[int, int]{Next: counting(10, errStage), Worker: l.worker, Join: l.join}
	if err := ordered.Run(t.Context(), 3, 4, s, l.drop); err != errStage || len(l.joined) != 10 {
		t.Errorf("%v, %d joined", err, len(l.joined))
	}
	l.check(t)
}

func TestEndOfJoin(t *testing.T) {
	wrapped := fmt.Errorf("connection: %w", io.EOF)
	for name, tt := range map[string]struct{ end, want error }{
		"an error":              {errStage, errStage},
		"enough":                {io.EOF, nil},
		"an error with io.EOF":  {wrapped, wrapped},
		"an error of a context": {context.Canceled, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []int{0, 1, 50} {
				l := newLedger()
				join := func(ctx context.Context, r int) error {
					_ = l.join(ctx, r)
					if r == at {
						return tt.end
					}
					return nil
				}
				s := ordered.Stages[int, int]{Next: counting(1_000_000, io.EOF), Worker: l.worker, Join: join}
				if err := ordered.Run(t.Context(), 4, 8, s, l.drop); err != tt.want || len(l.joined) != at+1 {
					t.Errorf("%v, %d joined", err, len(l.joined))
				}
				l.check(t)
			}
		})
	}
}

func TestNoTasks(t *testing.T) {
	l := newLedger()
	s := ordered.Stages[int, int]{Next: counting(0, io.EOF), Worker: l.worker, Join: l.join}
	if err := ordered.Run(t.Context(), 2, 2, s, l.drop); err != nil {
		t.Error(err)
	}
	l.check(t)
}

// TestCancelWhileNextBlocks cancels when all tasks have been joined and Next waits for more.
func TestCancelWhileNextBlocks(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	l := newLedger()
	tasks := counting(5, errStage)
	next := func(ctx context.Context) (int, error) {
		task, err := tasks(ctx)
		if err != nil {
			<-ctx.Done()
			err = context.Cause(ctx)
		}
		return task, err
	}
	join := func(ctx context.Context, r int) error {
		if r == 4 {
			cancel(errStage)
		}
		return l.join(ctx, r)
	}
	s := ordered.Stages[int, int]{Next: next, Worker: l.worker, Join: join}
	if err := ordered.Run(ctx, 2, 2, s, l.drop); err != errStage {
		t.Errorf("got %v, want the cause", err)
	}
	l.check(t)
}

// TestCancelWhileWorkersBlock cancels when every worker is busy until its context ends.
func TestCancelWhileWorkersBlock(t *testing.T) {
	const workers = 3
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := newLedger()
	var busy atomic.Int32
	work := func() func(context.Context, uint64, int) int {
		return func(ctx context.Context, seq uint64, task int) int {
			if busy.Add(1) == workers {
				cancel()
			}
			<-ctx.Done()
			return l.worker()(ctx, seq, task)
		}
	}
	s := ordered.Stages[int, int]{Next: counting(1_000_000, io.EOF), Worker: work, Join: l.join}
	if err := ordered.Run(ctx, workers, 2, s, l.drop); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	l.check(t)
}
