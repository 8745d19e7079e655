package object

import (
	"context"
	"strings"

	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/store"
)

// An hour that is complete waits among the parts, after those that it has: it is told once their objects are there, and what comes after it waits for
// that. Until it has been told the state holds it with what waits.

// isHour tells an hour from a part: it is a folder.
func (n *noted) isHour() bool { return strings.HasSuffix(n.Name, "/") }

// Tell implements folder.Store.
func (b *outbox) Tell(_ context.Context, h *folder.Hour) (told bool, err error) {
	b.add(noted{Name: h.Dir + "/"})
	return true, nil
}

// tell does what is to be done for an hour, once.
func (b *outbox) tell(p *parcel) error {
	h := b.hour(strings.TrimSuffix(p.Name, "/"))
	if err := markSuccess(b.life, b.to, h); err != nil {
		return err
	}
	if err := h.Run(b.life, b.to.String()+h.Dir); err != nil {
		return &commandError{dir: h.Dir, error: err}
	}
	return nil
}

// commandError is that of a command.
type commandError struct {
	dir string
	error
}

// Error says for what it ran.
func (e *commandError) Error() string { return "--on-partition for " + e.dir + ": " + e.error.Error() }

// Unwrap gives the cause.
func (e *commandError) Unwrap() error { return e.error }

// markSuccess makes the object that says that an hour is complete, if it is wanted and not there yet.
func markSuccess(ctx context.Context, to store.Store, h *folder.Hour) error {
	if !h.Success {
		return nil
	}
	return store.Mark(ctx, to, h.Dir+"/"+folder.SuccessName)
}

// Tell implements folder.Store. The parts of the hour are there.
func (s *shared) Tell(ctx context.Context, h *folder.Hour) (told bool, err error) {
	if err := s.persist(ctx, h.Dir, func() error { return markSuccess(ctx, s.to, h) }); err != nil {
		return false, err
	}
	return h.Persist(ctx, s.Disk, s.to.String()+h.Dir), nil
}

// left is what waits, and the size of the parts.
func (b *outbox) left() (parts, hours int, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	parts, hours = b.count()
	return parts, hours, b.bytes
}

// count is how many parts wait, and how many hours. The lock is held.
func (b *outbox) count() (parts, hours int) {
	for _, p := range b.waiting {
		if p.isHour() {
			hours++
		}
	}
	return len(b.waiting) - hours, hours
}
