package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
)

// Empty is a blob without content, of objects that say something by being there.
func Empty(meta map[string]string) *Blob {
	return &Blob{Content: strings.NewReader(""), SHA256: sha256.Sum256(nil), Meta: meta}
}

// Mark makes an empty object, if it is not there yet.
func Mark(ctx context.Context, s Store, name string) error {
	err := s.Put(ctx, name, Empty(nil))
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}
